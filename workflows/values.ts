import type { Json, JsonObject } from '../src/contract/json.ts';
import type { Roots } from '../src/contract/plan.ts';
import {
  isStored,
  type HeldStep,
  type HeldValue,
  type ItemSource,
  type RunFacts,
  type TaskScope,
} from '../src/contract/run.ts';
import type { Scope } from '../src/language/expression.ts';

/** Above this a value is held by reference (contract §1). */
export const INLINE_BYTES = 32 * 1024;
/** What one task's scope may weigh before the activity reads it from the database instead. */
const SCOPE_BYTES = 64 * 1024;

/** The values of one run, as far as the workflow holds them. */
export interface Values {
  input: HeldValue;
  params: JsonObject;
  steps: Record<string, HeldStep>;
}

/** The scope a guard or a light config is evaluated in; `undefined` when it reads a value that is only stored. */
export function lightScope(
  values: Values,
  roots: Roots,
  run: RunFacts,
  item?: ItemSource,
): Scope | undefined {
  if (roots.input && isStored(values.input)) return undefined;
  if (item && !('value' in item)) return undefined;
  const steps: Record<string, Json> = {};
  for (const id of namedSteps(values, roots)) {
    const step = values.steps[id];
    if (!step) continue;
    if (isStored(step.output)) return undefined;
    steps[id] = { state: step.state, output: step.output.value, error: step.error as Json };
  }
  const input = isStored(values.input) ? null : values.input.value;
  const facts = run as unknown as JsonObject;
  return { input, params: values.params, steps, run: facts, item: item?.value, now_ms: Date.now() };
}

/** The scope that travels to an activity: itself while it is small, otherwise a hint to read the database. */
export function taskScope(values: Values, roots: Roots, item?: ItemSource): TaskScope {
  const stored: TaskScope = item ? { kind: 'stored', item } : { kind: 'stored' };
  if ((roots.input && isStored(values.input)) || (item && !('value' in item))) return stored;
  const steps: Extract<TaskScope, { kind: 'inline' }>['steps'] = {};
  for (const id of namedSteps(values, roots)) {
    const step = values.steps[id];
    if (!step) continue;
    if (isStored(step.output)) return stored;
    steps[id] = { state: step.state, output: step.output.value, error: step.error };
  }
  const input = roots.input && !isStored(values.input) ? values.input.value : null;
  const params = roots.params ? values.params : {};
  const scope: TaskScope = { kind: 'inline', input, params, steps, ...(item ? { item: item.value } : {}) };
  return jsonBytes(scope as unknown as Json) > SCOPE_BYTES ? stored : scope;
}

function namedSteps(values: Values, roots: Roots): string[] {
  return roots.steps.includes('*') ? Object.keys(values.steps) : roots.steps;
}

/** Bytes of a value's JSON in UTF-8. */
export function jsonBytes(value: Json): number {
  return utf8Bytes(JSON.stringify(value));
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate is 3 bytes on its own count; a pair is 4, that is 2 more than its two units.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
