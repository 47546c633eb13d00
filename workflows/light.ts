import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { Json, JsonObject } from '../src/contract/json.ts';
import type { Plan, PlanNode, Roots, Template } from '../src/contract/plan.ts';
import type { HeldValue, StepError } from '../src/contract/run.ts';
import { ExpressionError } from '../src/language/expression-error.ts';
import { evaluateTemplate } from '../src/language/expression.ts';
import type { Execution } from './execution.ts';
import { local } from './options.ts';
import { INLINE_BYTES, jsonBytes, leafIds, lightScope } from './values.ts';
import { planWait, type PlannedWait } from './wait-plan.ts';

type Evaluated<T> = T | { error: StepError };
/** There at once, or a promise when something outside has to be asked: Temporal takes a stack trace of every promise. */
export type Soon<T> = T | Promise<T>;

const ALL: Roots = { input: true, params: true, run: true, item: false, steps: ['*'], secrets: [] };

/** Whether the node may run. A guard that reads a stored value is evaluated where the value is. */
export function evaluateGuard(x: Execution, node: PlanNode): Soon<Evaluated<{ pass: boolean }>> {
  if (node.guard === undefined) return { pass: true };
  const template: Template = { kind: 'expression', source: node.guard };
  return next(evaluateHere(x, template, node.guard_roots ?? ALL), (verdict) => {
    if ('error' in verdict) return verdict;
    if (typeof verdict.value === 'boolean') return { pass: verdict.value };
    return { error: { code: 'expression_error', message: 'The guard did not give true or false.' } };
  });
}

/**
 * The value of a transform. A large one, or one made of stored values, is evaluated and recorded by a
 * local activity; `recorded` tells the two apart.
 */
export function evaluateTransform(
  x: Execution,
  node: PlanNode,
): Soon<Evaluated<{ output: HeldValue; recorded: boolean }>> {
  const template = valueOf(node.config ?? { kind: 'literal', value: null });
  const scope = lightScope(x.values, node.roots, x.input.run);
  const inline = scope && evaluated(() => evaluateTemplate(template, scope));
  if (inline && 'error' in inline) return inline;
  if (inline && jsonBytes(inline.value) <= INLINE_BYTES) return { output: inline, recorded: false };
  return evaluateStored(x, node, template);
}

async function evaluateStored(x: Execution, node: PlanNode, template: Template) {
  await x.journal.flush();
  const key = { node: node.id, item: -1, attempt: 1 };
  const result = await local.evaluateStep({ ...key, ...facts(x), template });
  if (result.error) return { error: result.error };
  return { output: result.output, recorded: true };
}

/** Reads the config of a wait or an approval; what it waits for, and how long, is worked out in `wait-plan`. */
export function openWait(x: Execution, node: PlanNode): Soon<Evaluated<PlannedWait>> {
  const config = evaluateHere(x, node.config ?? { kind: 'literal', value: {} }, node.roots);
  return next(config, (read) =>
    'error' in read ? read : planWait(node, read.value as JsonObject, Date.now()),
  );
}

/** The run's output: what the definition says, or every leaf under its id. */
export function evaluateOutput(x: Execution): Soon<Evaluated<{ output: HeldValue }>> {
  const template = x.plan.output ?? leaves(x.plan);
  const roots = x.plan.output_roots ?? { ...ALL, input: false, steps: leafIds(x.plan) };
  const scope = lightScope(x.values, roots, x.input.run);
  const inline = scope && evaluated(() => evaluateTemplate(template, scope));
  if (inline && 'error' in inline) return inline;
  if (inline && jsonBytes(inline.value) <= INLINE_BYTES) return { output: inline };
  return evaluateOutputThere(x, template);
}

async function evaluateOutputThere(
  x: Execution,
  template: Template,
): Promise<Evaluated<{ output: HeldValue }>> {
  await x.journal.flush();
  return remotely(async () => ({ output: await local.evaluateOutput({ ...facts(x), template }) }));
}

function evaluateHere(x: Execution, template: Template, roots: Roots): Soon<Evaluated<{ value: Json }>> {
  const scope = lightScope(x.values, roots, x.input.run);
  return scope ? evaluated(() => evaluateTemplate(template, scope)) : evaluateThere(x, template);
}

async function evaluateThere(x: Execution, template: Template): Promise<Evaluated<{ value: Json }>> {
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

/** Goes on with a value as soon as it is there. */
export function next<A, B>(value: Soon<A>, then: (value: A) => B): Soon<B> {
  return value instanceof Promise ? value.then(then) : then(value);
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
