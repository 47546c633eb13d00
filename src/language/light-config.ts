import type { Json, JsonObject } from '../contract/json.ts';
import type { Plan, PlanBody, Roots, Template } from '../contract/plan.ts';
import type { StepError } from '../contract/run.ts';

const NOTHING: Template = { kind: 'literal', value: {} };
const ALL: Roots = { input: true, params: true, run: true, item: false, steps: ['*'], secrets: [] };

/** What a guard reads; everything, in a plan that does not say. */
export const guardRoots = (roots: Roots | undefined): Roots => roots ?? ALL;

/** What a guard's value says: true or false, and an error for anything else. */
export function guardVerdict(value: Json): { pass: boolean } | { error: StepError } {
  if (typeof value === 'boolean') return { pass: value };
  return expressionError('The guard did not give true or false.');
}

/** One member of a config: of a transform the `value`, of a map the `items`. */
export function memberOf({ config = NOTHING }: PlanBody, name: string): Template {
  if (config.kind === 'object')
    return config.entries.find(([key]) => key === name)?.[1] ?? { kind: 'literal', value: null };
  if (config.kind === 'literal')
    return { kind: 'literal', value: (config.value as JsonObject)[name] ?? null };
  return config;
}

/** The list of a map. */
export function listOf(value: Json): { items: Json[] } | { error: StepError } {
  return Array.isArray(value) ? { items: value } : expressionError('The items of a map must be a list.');
}

/** What a map fails with for an item of its own. */
export function itemFailure(item: number, error: StepError | null): StepError {
  const { code = 'failed', message = 'The step failed.' } = error ?? {};
  return { code, message: `Item ${item}: ${message}` };
}

/** The run's output: what the definition says, or every leaf under its id. */
export function outputOf(plan: Plan): { template: Template; roots: Roots } {
  const template = plan.output ?? leaves(plan);
  return { template, roots: plan.output_roots ?? { ...ALL, input: false, steps: leafIds(plan) } };
}

export const expressionError = (message: string): { error: StepError } => ({
  error: { code: 'expression_error', message },
});

function leaves(plan: Plan): Template {
  return {
    kind: 'object',
    entries: leafIds(plan).map((id) => [id, { kind: 'expression', source: `steps.${id}.output` }]),
  };
}

function leafIds(plan: Plan): string[] {
  return plan.order.filter((id) => plan.nodes[id]?.dependents.length === 0);
}
