import type { PlanPart } from '../contract/activities.ts';
import type { Definition } from '../contract/definition.ts';
import type { Plan } from '../contract/plan.ts';
import { compilePlan } from '../language/plan.ts';

export interface CompiledPlan {
  plan: Plan;
  /** Length of its JSON, which decides how it travels. */
  chars: number;
}

const CACHE_ENTRIES = 200;
/** Even at three bytes a character a part stays below the 128 KiB no payload may exceed. */
const PART_CHARS = 40 * 1024;

/** Compiled plans by version hash; a version never changes, so what is cached stays true. */
export function planCache(readDefinition: (version_hash: string) => Promise<Definition>) {
  const cache = new Map<string, CompiledPlan>();
  return async (version_hash: string): Promise<CompiledPlan> => {
    const known = cache.get(version_hash);
    if (known) return known;
    const plan = compilePlan(await readDefinition(version_hash), version_hash);
    const compiled = { plan, chars: JSON.stringify(plan).length };
    const oldest = cache.keys().next().value;
    if (cache.size >= CACHE_ENTRIES && oldest !== undefined) cache.delete(oldest);
    cache.set(version_hash, compiled);
    return compiled;
  };
}

export type PlanOf = ReturnType<typeof planCache>;

/** One part of a plan's JSON, for a workflow whose plan is too large for its start. */
export function planReader(planOf: PlanOf) {
  return async (version_hash: string, offset: number): Promise<PlanPart> => {
    const { plan } = await planOf(version_hash);
    const text = JSON.stringify(plan);
    return { text: text.slice(offset, offset + PART_CHARS), total_chars: text.length };
  };
}

export type PlanReader = ReturnType<typeof planReader>;
