import type { DefinitionNode } from '../contract/definition.ts';
import { PLANNED_TYPES, type IntentAction, type IntentStep } from '../contract/intent.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { literalJson, withValueAt } from './literal.ts';
import { expectedStatuses } from './plan-guards.ts';

type Body = Pick<DefinitionNode, 'type' | 'config'> & DefinitionNode;

/** Statuses of the rule "< 400" that servers answer with; a list of expected ones takes the rule's place. */
const GOOD_STATUSES = [200, 201, 202, 203, 204, 205, 206, 207, 300, 304];

/** What a step's node does, without its place in the graph. */
export function bodyOf(step: IntentStep, steps: readonly IntentStep[]): Body {
  const { action, for_each } = step;
  const plain = literalJson(step.parameters) as JsonObject;
  const parameters = for_each ? (withValueAt(plain, for_each.into, '${{ item }}') as JsonObject) : plain;
  const taken = step.uses.length === 0 ? undefined : resultOf(step.uses, steps);
  const config = configOf(action, parameters, { step, steps, taken });
  const type = isBuiltIn(action) ? 'run' : action;
  return { type, config } as unknown as Body;
}

/** What a `map` goes through. */
export function itemsOf({ for_each }: IntentStep, steps: readonly IntentStep[]): Json {
  if (for_each?.items) return literalJson(for_each.items);
  return for_each?.step === undefined ? [] : expression(answerOf(for_each.step, steps));
}

function isBuiltIn(action: IntentAction): boolean {
  return PLANNED_TYPES.some((type) => type === action);
}

interface Around {
  step: IntentStep;
  steps: readonly IntentStep[];
  taken: Json | undefined;
}

function configOf(action: IntentAction, parameters: JsonObject, { step, steps, taken }: Around): JsonObject {
  if (isBuiltIn(action)) return { type: action, input: withTaken(parameters, 'stdin', asText(taken)) };
  if (action === 'run') {
    const { workflow = '', input = {} } = parameters;
    return { workflow, input: withTaken(input as JsonObject, 'result', taken) };
  }
  if (action === 'transform') return { value: taken ?? null };
  if (action === 'agent') {
    const { task = {}, ...rest } = parameters;
    return { ...rest, task: withTaken(task as JsonObject, 'result', taken) };
  }
  if (action !== 'http') return parameters;
  const expected = expectedStatuses(step, steps);
  return {
    ...withTaken(parameters, 'body', taken),
    ...(expected.length === 0 ? {} : { expect_status: [...GOOD_STATUSES, ...expected] }),
  };
}

function withTaken(object: JsonObject, name: string, taken: Json | undefined): JsonObject {
  return taken === undefined || Object.hasOwn(object, name) ? object : { ...object, [name]: taken };
}

/** A program reads text. */
function asText(taken: Json | undefined): Json | undefined {
  return typeof taken === 'string' ? taken.replace(/^\$\{\{ (.*) \}\}$/, '${{ json($1) }}') : taken;
}

/** One result as it is, several by the names of their steps. */
function resultOf(uses: readonly string[], steps: readonly IntentStep[]): Json {
  if (uses.length === 1) return expression(answerOf(uses[0]!, steps));
  return Object.fromEntries(uses.map((id) => [id, expression(answerOf(id, steps))]));
}

/** What of a step's output somebody means who speaks of its result. */
function answerOf(id: string, steps: readonly IntentStep[]): string {
  const step = steps.find((each) => each.id === id);
  const output = `steps.${id}.output`;
  if (!step || step.for_each) return output;
  if (step.action === 'http') return `${output}.body`;
  return step.action === 'run' || isBuiltIn(step.action) ? `${output}.output` : output;
}

function expression(source: string): string {
  return `\${{ ${source} }}`;
}
