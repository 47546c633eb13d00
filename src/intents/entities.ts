import type { IntentRisk, IntentStep } from '../contract/intent.ts';
import type { Json, JsonObject } from '../contract/json.ts';

/** Too long to be a name of something. */
const LONG = new Set(['source', 'prompt', 'task', 'input']);

/** What the steps name, by name; a list where a name has several values. What may hold a secret is left out. */
export function entitiesOf(steps: readonly IntentStep[], risks: readonly IntentRisk[]): JsonObject {
  const values = new Map<string, Json[]>();
  const note = (name: string, value: Json | undefined) => {
    if (value === undefined || value === '') return;
    const known = values.get(name) ?? [];
    if (!known.some((each) => JSON.stringify(each) === JSON.stringify(value)))
      values.set(name, [...known, value]);
  };
  for (const step of steps) {
    const secret = risks.some((risk) => risk.kind === 'secrets' && risk.step === step.id);
    for (const [name, value] of Object.entries(step.parameters)) {
      if (LONG.has(name) || (secret && (name === 'body' || name === 'headers'))) continue;
      note(name, value);
    }
    const { input } = step.parameters;
    if (typeof input === 'object' && input !== null && !Array.isArray(input) && !secret) {
      for (const [name, value] of Object.entries(input)) note(name, value);
    }
    if (step.for_each?.items) note(step.for_each.into.at(-1)!, step.for_each.items);
    note('max_attempts', step.max_attempts);
    note('timeout_seconds', step.timeout_seconds);
  }
  return Object.fromEntries(
    [...values].map(([name, found]) => [name, found.length === 1 ? found[0]! : found]),
  );
}
