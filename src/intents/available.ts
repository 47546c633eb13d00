import type { IntentAction, IntentCatalogue } from '../contract/intent.ts';
import { PLANNED_TYPES } from '../contract/intent.ts';

/** Whether a plan may hold such a step. */
export function isAvailable({ types, node_types }: IntentCatalogue, action: IntentAction): boolean {
  const type = PLANNED_TYPES.find((each) => each === action);
  if (type !== undefined) return types.includes(type) && node_types.includes('run');
  return node_types.some((each) => each === action);
}
