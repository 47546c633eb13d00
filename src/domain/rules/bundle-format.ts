import { isUtf8 } from 'node:buffer';
import { AppError, type Problem } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { canonicalJson } from '../../language/canonical-json.ts';
import { createReport } from './definition-shape.ts';
import { LINE_CHECKS, type Lines } from './bundle-lines.ts';

/** The media type of a bundle: one JSON object per line (docs/bundles.md). */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.orchestrator.bundle+ndjson';

/** Bytes of a blob in one line; a multiple of three, so that only the last line of a blob can have padding. */
export const CHUNK_BYTES = 49_152;

/** No line is longer; a reader that meets a longer one need not hold it. */
export const MAX_LINE_BYTES = 131_072;

export type LineKind = keyof Lines;

/** One line: the one member of its object, by name, and where it stands, counted from 1. */
export type Line = { [K in LineKind]: { kind: K; value: Lines[K]; number: number } }[LineKind];

/** The text of a line, in the one form it has (RFC 8785), its line feed included. */
export function writeLine<K extends LineKind>(kind: K, value: Lines[K]): string {
  return `${canonicalJson({ [kind]: value as unknown as Json })}\n`;
}

/** Reads a line. Throws `bundle_invalid` with every problem in it, by `/<line>/<kind>/<member>`. */
export function parseLine(number: number, bytes: Buffer): Line {
  const [kind, value] = memberOf(number, bytes);
  const report = createReport();
  LINE_CHECKS[kind](value, report.root);
  const problems = report.problems();
  if (problems.length > 0) throw badBundle(problems.map((p) => at(number, p.message, `/${kind}${p.path}`)));
  return { kind, value, number } as Line;
}

/** Throws `bundle_invalid` for one line. */
export function badLine(number: number, message: string, member = ''): AppError {
  return badBundle([at(number, message, member)]);
}

export function badBundle(errors: readonly Problem[], cause?: unknown): AppError {
  const first = errors[0]!;
  return new AppError('bundle_invalid', {
    detail: `Line ${first.path.split('/')[1]}: ${first.message}.`,
    errors,
    cause,
  });
}

const at = (number: number, message: string, member: string): Problem => ({
  path: `/${number}${member}`,
  message,
});

function memberOf(number: number, bytes: Buffer): [LineKind, unknown] {
  if (!isUtf8(bytes)) throw badLine(number, 'is not UTF-8');
  const value = parsed(number, bytes.toString('utf8'));
  const members: [string, unknown][] =
    typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const [kind, inner] = members[0] ?? ['', undefined];
  if (members.length !== 1 || !Object.hasOwn(LINE_CHECKS, kind))
    throw badLine(number, `must be an object with one member: ${Object.keys(LINE_CHECKS).join(', ')}`);
  return [kind as LineKind, inner];
}

function parsed(number: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badBundle([at(number, 'is not JSON', '')], cause);
  }
}
