import type { Concurrency, Definition, StartPolicy } from '../../contract/definition.ts';
import { AppError, type Problem } from '../../contract/errors.ts';
import { ExpressionError } from '../../language/expression-error.ts';
import { evaluateTemplate, type Scope } from '../../language/expression.ts';
import { renderText } from '../../language/render-text.ts';
import { compileTemplate } from '../../language/template.ts';
import type { RunExtras, RunRow } from '../../persistence/runs.ts';

/** What holds a run back, and what its start does when there is no room. */
export interface Gates {
  columns: Pick<RunExtras, 'flow_key' | 'flow_limit' | 'rate_key' | 'rate_per_second' | 'start_id'>;
  on_limit: NonNullable<Concurrency['on_limit']>;
  on_conflict: NonNullable<StartPolicy['on_conflict']>;
}

interface RunToBe extends Pick<Scope, 'input' | 'params'> {
  run: { id: string; workflow: string; project_id: string; created_at: Date };
}

type Keys = Pick<RunRow, 'flow_key' | 'rate_key' | 'start_id'>;

const MAX_KEY_CHARS = 500;

/**
 * The gates of a run of this definition, undefined when it has no limits; a key that is left out is the name of the
 * workflow. Throws `expression_error` with every key that cannot be had from this input and these params.
 */
export function gatesOf(
  { concurrency, rate_limit, start_policy }: Definition,
  { input, params, run }: RunToBe,
): Gates | undefined {
  if (!(concurrency ?? rate_limit ?? start_policy)) return undefined;
  const { workflow, created_at } = run;
  const facts = { ...run, created_at: created_at.toISOString() };
  const scope: Scope = { input, params, run: facts, steps: {}, now_ms: created_at.getTime() };
  const problems: Problem[] = [];
  const keyOf = (place: string, text = workflow): string => {
    const read = readKey(text, scope);
    if ('problem' in read) problems.push({ path: '/input', message: `${place}: ${read.problem}` });
    return 'key' in read ? read.key : workflow;
  };
  const columns = {
    ...(concurrency && {
      flow_key: keyOf('concurrency.key', concurrency.key),
      flow_limit: concurrency.limit,
    }),
    ...(rate_limit && {
      rate_key: keyOf('rate_limit.key', rate_limit.key),
      rate_per_second: rate_limit.per_second,
    }),
    ...(start_policy && { start_id: keyOf('start_policy.id', start_policy.id) }),
  };
  if (problems.length > 0) throw new AppError('expression_error', { errors: problems });
  return {
    columns,
    on_limit: concurrency?.on_limit ?? 'queue',
    on_conflict: start_policy?.on_conflict ?? 'fail',
  };
}

/** Whether the run was accepted under a limit: then its admission starts it, and nothing else. */
export function isGated({ flow_key, rate_key, start_id }: Keys): boolean {
  return (flow_key ?? rate_key ?? start_id) !== null;
}

/** Whether the run still waits for its turn: no execution of it has ever been asked for. */
export function isHeld(run: Keys & Pick<RunRow, 'admitted_at' | 'ended_at'>): boolean {
  return wasNeverAdmitted(run) && run.ended_at === null;
}

/** The same, or it has ended waiting. */
export function wasNeverAdmitted(run: Keys & Pick<RunRow, 'admitted_at'>): boolean {
  return isGated(run) && run.admitted_at === null;
}

/** What a run that waits for its turn waits for; null for every other one. */
export function waitingFor(run: RunRow) {
  if (!isHeld(run)) return null;
  const { flow_key, flow_limit, rate_key, rate_per_second, start_id } = run;
  return {
    ...(flow_key !== null && { concurrency: { key: flow_key, limit: flow_limit } }),
    ...(rate_key !== null && { rate_limit: { key: rate_key, per_second: rate_per_second } }),
    ...(start_id !== null && { start_policy: { id: start_id } }),
  };
}

function readKey(text: string, scope: Scope): { key: string } | { problem: string } {
  try {
    const key = renderText(evaluateTemplate(compileTemplate(text), scope));
    if (key === '') return { problem: 'is empty' };
    if (key.length > MAX_KEY_CHARS) return { problem: `is longer than ${MAX_KEY_CHARS} characters` };
    return key.includes('\u0000') ? { problem: 'has the character U+0000' } : { key };
  } catch (error) {
    if (error instanceof ExpressionError) return { problem: error.message };
    throw error;
  }
}
