import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { Json, JsonObject } from '../src/contract/json.ts';
import type { PlanNode, Roots, Template } from '../src/contract/plan.ts';
import type { HeldValue, StepError } from '../src/contract/run.ts';
import type { MapProgress } from '../src/contract/workflows.ts';
import { ExpressionError } from '../src/language/expression-error.ts';
import { evaluateTemplate } from '../src/language/expression.ts';
import { guardRoots, guardVerdict, listOf, memberOf, outputOf } from '../src/language/light-config.ts';
import type { Execution } from './execution.ts';
import { local } from './options.ts';
import { next, type Soon } from './soon.ts';
import { itemOf } from './task.ts';
import { nodeUnit, type Unit } from './unit.ts';
import { INLINE_BYTES, jsonBytes, lightScope } from './values.ts';
import { planWait, type PlannedWait } from './wait-plan.ts';

type Evaluated<T> = T | { error: StepError };

/** Whether the node may run. A guard that reads a stored value is evaluated where the value is. */
export function evaluateGuard(x: Execution, node: PlanNode): Soon<Evaluated<{ pass: boolean }>> {
  if (node.guard === undefined) return { pass: true };
  const template: Template = { kind: 'expression', source: node.guard };
  return next(evaluateHere(x, nodeUnit(node), template, guardRoots(node.guard_roots)), (verdict) =>
    'error' in verdict ? verdict : guardVerdict(verdict.value),
  );
}

/**
 * The value of a transform. A large one, or one made of stored values, is evaluated and recorded by a
 * local activity; `recorded` tells the two apart.
 */
export function evaluateTransform(
  x: Execution,
  unit: Unit,
): Soon<Evaluated<{ output: HeldValue; recorded: boolean }>> {
  const { roots } = unit.body;
  const template = memberOf(unit.body, 'value');
  const scope = lightScope(x.values, roots, x.input.run, itemOf(x, unit));
  const inline = scope && evaluated(() => evaluateTemplate(template, scope));
  if (inline && 'error' in inline) return inline;
  if (inline && jsonBytes(inline.value) <= INLINE_BYTES) return { output: inline, recorded: false };
  return evaluateStored(x, unit, template);
}

async function evaluateStored(x: Execution, unit: Unit, template: Template) {
  await x.journal.flush();
  const result = await local.evaluateStep({ ...keyOf(unit), ...facts(x, unit), template });
  if (result.error) return { error: result.error };
  return { output: result.output, recorded: true };
}

/** Reads the config of a wait or an approval; what it waits for, and how long, is worked out in `wait-plan`. */
export function openWait(x: Execution, unit: Unit): Soon<Evaluated<PlannedWait>> {
  const { body } = unit;
  const config = evaluateHere(x, unit, body.config ?? NOTHING, body.roots);
  return next(config, (read) =>
    'error' in read ? read : planWait(body, read.value as JsonObject, Date.now()),
  );
}

/** The list of a map: held here while it is small, otherwise kept with the map's step. */
export function evaluateItems(
  x: Execution,
  unit: Unit,
): Soon<Evaluated<{ items: MapProgress['items']; count: number }>> {
  const { roots } = unit.body;
  const template = memberOf(unit.body, 'items');
  const scope = lightScope(x.values, roots, x.input.run);
  const inline = scope && evaluated(() => evaluateTemplate(template, scope));
  if (inline && 'error' in inline) return inline;
  if (inline && jsonBytes(inline.value) <= INLINE_BYTES) return itemsOf(inline.value);
  return openMapThere(x, unit, template);
}

function itemsOf(value: Json): Evaluated<{ items: { value: Json[] }; count: number }> {
  const list = listOf(value);
  return 'error' in list ? list : { items: { value: list.items }, count: list.items.length };
}

async function openMapThere(
  x: Execution,
  unit: Unit,
  template: Template,
): Promise<Evaluated<{ items: { stored: true }; count: number }>> {
  await x.journal.flush();
  const opened = await local.openMap({ ...keyOf(unit), ...facts(x, unit), template });
  return 'error' in opened ? opened : { items: { stored: true }, count: opened.count };
}

/** The run's output: what the definition says, or every leaf under its id. */
export function evaluateOutput(x: Execution): Soon<Evaluated<{ output: HeldValue }>> {
  const { template, roots } = outputOf(x.plan);
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

function evaluateHere(
  x: Execution,
  unit: Unit,
  template: Template,
  roots: Roots,
): Soon<Evaluated<{ value: Json }>> {
  const scope = lightScope(x.values, roots, x.input.run, itemOf(x, unit));
  return scope ? evaluated(() => evaluateTemplate(template, scope)) : evaluateThere(x, unit, template);
}

async function evaluateThere(
  x: Execution,
  unit: Unit,
  template: Template,
): Promise<Evaluated<{ value: Json }>> {
  await x.journal.flush();
  return remotely(async () => ({ value: await local.evaluateValue({ ...facts(x, unit), template }) }));
}

function facts(x: Execution, unit?: Unit) {
  const item_source = unit && itemOf(x, unit);
  return {
    run: x.input.run,
    epoch: x.input.epoch,
    now_ms: Date.now(),
    ...(item_source ? { item_source } : {}),
  };
}

const keyOf = ({ name, item }: Unit) => ({ node: name, item, attempt: 1 });

const NOTHING: Template = { kind: 'literal', value: {} };

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
