import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { ExpressionError } from '../language/expression-error.ts';
import type { NodeContext, NodeOutcome } from './nodes/node.ts';
import { type Masker, maskerOf } from './rules/masking.ts';
import { maskedLog } from './secrets-log.ts';
import { maskedOutcome } from './secrets-outcome.ts';
import type { SecretSource } from './secrets.ts';

/** Of all the secrets of one step together. */
const MAX_BYTES = 128 * 1024;

type Work = (secrets: JsonObject, context: NodeContext) => Promise<NodeOutcome>;

/**
 * Carries out a step that reads secrets. Their values are looked up now, once for all of them, and stay in here: what
 * the step answers, logs, keeps and throws has `***` in their place. Without names nothing is looked up.
 */
export async function withSecrets(
  source: SecretSource,
  names: readonly string[],
  context: NodeContext,
  work: Work,
): Promise<NodeOutcome> {
  if (names.length === 0) return work({}, context);
  const found = await source.findAll(context.project_id, names);
  const refused = refusal(names, found);
  if (refused) return refused;
  const masker = maskerOf([...found.values()]);
  const log = maskedLog(masker, (stream, text) => context.log(stream, text));
  const keep: NodeContext['keep'] = (bytes, media_type) => context.keep(masker.bytes(bytes), media_type);
  try {
    const outcome = await work(Object.fromEntries(found), { ...context, keep, log: log.write });
    await log.end();
    return maskedOutcome(masker, outcome);
  } catch (error) {
    throw withoutSecrets(masker, error);
  }
}

/** Names only: who reads a run may not read what it was given. */
function refusal(names: readonly string[], found: ReadonlyMap<string, string>): NodeOutcome | undefined {
  const missing = names.filter((name) => !found.has(name));
  const failed = (code: string, message: string): NodeOutcome => ({
    state: 'failed',
    output: null,
    error: { code, message },
  });
  if (missing.length > 0)
    return failed('secret_not_found', `The project has no secret ${missing.join(', ')}.`);
  const bytes = [...found.values()].reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (bytes > MAX_BYTES)
    return failed('config_invalid', `The secrets of a step have at most ${MAX_BYTES / 1024} KiB together.`);
  return undefined;
}

const MAX_CAUSES = 5;

/** The error itself when it tells nothing; else one like it without stack and causes, in which more may stand. */
export function withoutSecrets(masker: Masker, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const told = tellings(error);
  if (masker.text(told) === told) return error;
  const message = masker.text(error.message);
  if (error instanceof ExpressionError) return new ExpressionError(masker.text(error.source), message);
  if (error instanceof AppError) return new AppError(error.code, { detail: message });
  const same = new Error(message);
  same.name = error.name;
  same.stack = `${error.name}: ${message}`;
  return same;
}

/** Everything of an error that may get into a log or a history. */
function tellings(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return String(error);
  const { message, stack, cause } = error;
  const more =
    error instanceof AppError ? { ...error.data, cause: undefined } : { ...error, cause: undefined };
  const own = `${message}\n${stack}\n${textOf(more)}`;
  return cause === undefined ? own : `${own}\n${tellings(cause, depth + 1)}`;
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}
