import type { BackTestUnknownReason } from '../../contract/back-test.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Roots, Template } from '../../contract/plan.ts';
import { ExpressionError } from '../../language/expression-error.ts';
import { evaluateTemplate, type Scope } from '../../language/expression.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import { recordedStep } from './recorded.ts';
import { readKept, stepThen, type Walk } from './walk-parts.ts';

/** What a template gives, as far as it can be told without carrying anything out. */
export type Evaluated = { value: Json } | { error: string } | { unknown: BackTestUnknownReason };

export interface Reading {
  template: Template;
  roots: Roots;
  /** The node whose moment it is. */
  node: string | null;
  item?: Json;
}

/** Whether everything these read is what it was; undefined when that cannot be told. */
export function readsTheSame(walk: Walk, roots: Roots): boolean | undefined {
  if (roots.params && !walk.same_params) return false;
  const kinds = namesIn(walk, roots).map((id) => walk.told.get(id)?.kind);
  if (kinds.includes('worked_out')) return false;
  return kinds.includes('unknown') || kinds.includes(undefined) ? undefined : true;
}

/** What the new version would read. */
export function evaluateNow(walk: Walk, reading: Reading): Evaluated {
  const steps: JsonObject = {};
  for (const id of namesIn(walk, reading.roots)) {
    const told = walk.told.get(id);
    if (!told || told.kind === 'unknown') return { unknown: 'depends_on_unknown' };
    const seen =
      told.kind === 'worked_out' ? asSeen(told.state, told.output, told.error) : seenThen(walk, id);
    if (seen === undefined) return { unknown: 'value_not_read' };
    steps[id] = seen;
  }
  return evaluateIn(walk, walk.params, steps, reading);
}

/** What the run read then. */
export function evaluateThen(walk: Walk, reading: Reading): Evaluated {
  const steps: JsonObject = {};
  const all = reading.roots.steps.includes('*');
  for (const id of all ? Object.keys(walk.then.plan.nodes) : reading.roots.steps) {
    const seen = seenThen(walk, id);
    if (seen === undefined) return { unknown: 'value_not_read' };
    steps[id] = seen;
  }
  return evaluateIn(walk, walk.run.params, steps, reading);
}

/** With every set of params the run ever had: when it was tuned is not compared with when this was read. */
function evaluateIn(
  walk: Walk,
  params: readonly JsonObject[],
  steps: JsonObject,
  { template, roots, node, item }: Reading,
): Evaluated {
  if (walk.isOutOfTime()) return { unknown: 'out_of_time' };
  const input = roots.input ? readKept(walk, walk.run.input) : null;
  if (input === undefined) return { unknown: 'value_not_read' };
  const secrets = Object.fromEntries(roots.secrets.map((name) => [name, `secret ${name}`]));
  const run = walk.run.facts as unknown as JsonObject;
  const scope = { input, steps, run, item, secrets, now_ms: momentOf(walk, node) };
  const sets = roots.params ? params : params.slice(0, 1);
  const [first, ...rest] = sets.map((set) => evaluated(template, { ...scope, params: set }));
  return rest.every((other) => isEqualJson(other as Json, first as Json))
    ? first!
    : { unknown: 'params_tuned' };
}

function evaluated(template: Template, scope: Scope): { value: Json } | { error: string } {
  try {
    return { value: evaluateTemplate(template, scope) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { error: error.message };
  }
}

/** `*`: whatever has had its turn. */
const namesIn = ({ told }: Walk, { steps }: Roots): readonly string[] =>
  steps.includes('*') ? [...told.keys()] : steps;

function seenThen(walk: Walk, id: string): Json | undefined {
  const step = stepThen(walk, id);
  const output = step && readKept(walk, step.output);
  return step && output !== undefined ? asSeen(step.state, output, step.error) : undefined;
}

const asSeen = (state: string, output: Json, error: object | null): Json => ({
  state,
  output,
  error: error as Json,
});

/** When the node had its turn; for one that had none, when what it needs had ended. */
function momentOf({ now, run }: Walk, id: string | null): number {
  const began = id === null ? undefined : recordedStep(run, id)?.started_at_ms;
  if (began != null) return began;
  const needs = id === null ? Object.keys(run.steps) : (now.plan.nodes[id]?.needs ?? []);
  const ends = needs.map((need) => recordedStep(run, need)?.ended_at_ms ?? 0);
  return Math.max(run.created_at_ms, ...ends);
}
