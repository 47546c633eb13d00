import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { Json, JsonObject } from '../src/contract/json.ts';
import type { Plan, PlanNode, Roots, Template } from '../src/contract/plan.ts';
import type { HeldValue, StepError } from '../src/contract/run.ts';
import type { WaitProgress } from '../src/contract/workflows.ts';
import { ExpressionError } from '../src/language/expression-error.ts';
import { evaluateTemplate } from '../src/language/expression.ts';
import type { Execution } from './execution.ts';
import { local } from './options.ts';
import { INLINE_BYTES, jsonBytes, leafIds, lightScope } from './values.ts';

type Evaluated<T> = T | { error: StepError };

const ALL: Roots = { input: true, params: true, run: true, item: false, steps: ['*'], secrets: [] };

/** Whether the node may run. A guard that reads a stored value is evaluated where the value is. */
export async function evaluateGuard(x: Execution, node: PlanNode): Promise<Evaluated<{ pass: boolean }>> {
  if (node.guard === undefined) return { pass: true };
  const template: Template = { kind: 'expression', source: node.guard };
  const verdict = await evaluateHere(x, template, node.guard_roots ?? ALL);
  if ('error' in verdict) return verdict;
  if (typeof verdict.value === 'boolean') return { pass: verdict.value };
  return { error: { code: 'expression_error', message: 'The guard did not give true or false.' } };
}

/**
 * The value of a transform. A large one, or one made of stored values, is evaluated and recorded by a
 * local activity; `recorded` tells the two apart.
 */
export async function evaluateTransform(
  x: Execution,
  node: PlanNode,
): Promise<Evaluated<{ output: HeldValue; recorded: boolean }>> {
  const template = node.config ?? { kind: 'literal', value: null };
  const scope = lightScope(x.values, node.roots, x.input.run);
  const inline = scope && evaluated(() => evaluateTemplate(valueOf(template), scope));
  if (inline && 'error' in inline) return inline;
  if (inline && jsonBytes(inline.value) <= INLINE_BYTES) return { output: inline, recorded: false };
  await x.journal.flush();
  const key = { node: node.id, item: -1, attempt: 1 };
  const result = await local.evaluateStep({ ...key, ...facts(x), template: valueOf(template) });
  if (result.error) return { error: result.error };
  return { output: result.output, recorded: true };
}

/** Reads a wait's config and works out how long it is. */
export async function openWait(x: Execution, node: PlanNode): Promise<Evaluated<{ wait: WaitProgress }>> {
  const config = await evaluateHere(x, node.config ?? { kind: 'literal', value: {} }, node.roots);
  if ('error' in config) return config;
  const { duration_seconds, until } = config.value as JsonObject;
  const now = Date.now();
  const until_ms = typeof until === 'string' ? Date.parse(until) : undefined;
  const wait_ms = until_ms === undefined ? Number(duration_seconds) * 1_000 : Math.max(0, until_ms - now);
  if (!Number.isFinite(wait_ms) || wait_ms < 0) {
    return {
      error: {
        code: 'expression_error',
        message: 'The wait has neither a valid duration nor a valid moment.',
      },
    };
  }
  const limit_ms = (node.timeout_seconds ?? Infinity) * 1_000;
  const times_out = limit_ms < wait_ms;
  const remaining_ms = Math.min(wait_ms, limit_ms);
  return {
    wait: { remaining_ms, started_at_ms: now, until_ms: times_out ? undefined : until_ms, times_out },
  };
}

/** The run's output: what the definition says, or every leaf under its id. */
export async function evaluateOutput(x: Execution): Promise<Evaluated<{ output: HeldValue }>> {
  const template = x.plan.output ?? leaves(x.plan);
  const roots = x.plan.output_roots ?? { ...ALL, input: false, steps: leafIds(x.plan) };
  const scope = lightScope(x.values, roots, x.input.run);
  const inline = scope && evaluated(() => evaluateTemplate(template, scope));
  if (inline && 'error' in inline) return inline;
  if (inline && jsonBytes(inline.value) <= INLINE_BYTES) return { output: inline };
  await x.journal.flush();
  return remotely(async () => ({ output: await local.evaluateOutput({ ...facts(x), template }) }));
}

async function evaluateHere(
  x: Execution,
  template: Template,
  roots: Roots,
): Promise<Evaluated<{ value: Json }>> {
  const scope = lightScope(x.values, roots, x.input.run);
  if (scope) return evaluated(() => evaluateTemplate(template, scope));
  await x.journal.flush();
  return remotely(async () => ({ value: await local.evaluateValue({ ...facts(x), template }) }));
}

function facts(x: Execution) {
  return { run: x.input.run, epoch: x.input.epoch, now_ms: Date.now() };
}

/** A transform's config is `{value}`; its output is the value itself. */
function valueOf(config: Template): Template {
  if (config.kind === 'object')
    return config.entries.find(([key]) => key === 'value')?.[1] ?? { kind: 'literal', value: null };
  if (config.kind === 'literal')
    return { kind: 'literal', value: (config.value as JsonObject).value ?? null };
  return config;
}

function leaves(plan: Plan): Template {
  return {
    kind: 'object',
    entries: leafIds(plan).map((id) => [id, { kind: 'expression', source: `steps.${id}.output` }]),
  };
}

function evaluated(evaluate: () => Json): Evaluated<{ value: Json }> {
  try {
    return { value: evaluate() };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { error: { code: 'expression_error', message: error.message } };
  }
}

async function remotely<T>(ask: () => Promise<T>): Promise<Evaluated<T>> {
  try {
    return await ask();
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (!(cause instanceof ApplicationFailure)) throw error;
    return { error: { code: cause.type ?? 'internal', message: cause.message } };
  }
}
