import type { Finding } from '../../contract/findings.ts';
import { toFindings } from '../fingerprint.ts';
import type { RuleHit } from '../rule-hit.ts';
import { findSecrets } from '../secrets/find-secrets.ts';
import { spanOf, textAt } from './place.ts';
import type { ToolHit } from './tool.ts';

const MAX_MESSAGE_CHARS = 300;
/** Of one program in one file: a file that is all faults is one fault. */
const MAX_FINDINGS = 200;
/** Shorter texts are words that stand everywhere. */
const SECRET_CHARS = 6;

/** What programs quote of the file. */
const LITERALS = /"[^"\n]*"|(?<![A-Za-z])'[^'\n]*'/g;

/**
 * The findings that a program's hits in one file are: places inside the text, fingerprints as our own rules' findings have them, messages
 * that are bounded and repeat neither the texts nor the secrets of the file. Without a path, see `relocateFindings`.
 */
export function toolFindings(tool: string, hits: readonly ToolHit[], text: string): Finding[] {
  if (hits.length === 0) return [];
  const lines = text.split('\n');
  const secrets = secretsOf(text);
  const found = hits.map((hit): RuleHit => {
    const span = spanOf(hit, lines);
    const message = harmless(hit.message, secrets);
    return { rule: hit.rule, message, span, symbol: '', snippet: textAt(span, lines), tool };
  });
  return toFindings('', found).slice(0, MAX_FINDINGS);
}

/** The same findings for the same bytes at a path. */
export function relocateFindings(findings: readonly Finding[], path: string): Finding[] {
  return findings.map((finding) => ({ ...finding, path }));
}

/** The values of a file that nobody should read in a report. */
function secretsOf(text: string): string[] {
  const lines = text.split('\n');
  return findSecrets({ path: 'a.env', cas_id: '', text })
    .map(({ span }) => textAt(span, lines))
    .filter((value) => value.length >= SECRET_CHARS)
    .sort((a, b) => b.length - a.length);
}

function harmless(message: string, secrets: readonly string[]): string {
  const known = secrets.reduce((rest, value) => rest.replaceAll(value, '***'), message.slice(0, 10_000));
  const text = known
    .replace(LITERALS, (literal) => `${literal[0]}…${literal[0]}`)
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim();
  return text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS - 1)}…` : text;
}
