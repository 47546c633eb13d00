import type { Json, JsonObject } from '../../contract/json.ts';
import { AppError } from '../../contract/errors.ts';
import { applyPatch } from './json-patch.ts';
import { isEqualJson } from './json-patch-equal.ts';
import { PATCH_LIMITS, UNBOUNDED } from './json-patch-limits.ts';

/** An operation as it is stored; pointers are text. */
export interface Operation {
  op: string;
  path: string;
  from?: string;
}

/** A patch that was made after the one to take back, as it was stored. */
export interface LaterPatch {
  id: string;
  /** The patch it takes back. */
  reverts_id?: string | null;
  operations: readonly Operation[];
}

/** A patch to take back, by the states around it; the patches since then, in order, and where they lead. */
export interface Reversal {
  id: string;
  before: JsonObject;
  after: JsonObject;
  later: readonly LaterPatch[];
  head: JsonObject;
}

/** What is not copied was in the patches, and they are in memory already: only copies can make a document explode. */
export const limitsFor = (operations: readonly Operation[]) =>
  operations.some(({ op }) => op === 'copy') ? PATCH_LIMITS : UNBOUNDED;

interface Cleared {
  /** The later patches that stand; undefined when all do, or when they alone do not lead to the head. */
  standing?: LaterPatch[];
  /** Whether the patch was taken back already. */
  is_gone: boolean;
}

/** Takes those that were taken back away, with the reverts that did it: a revert leads to where the chain leads without both. */
export function withoutTakenBack({ id, before, after, later, head }: Reversal): Cleared {
  const ids = new Set([id, ...later.map((patch) => patch.id)]);
  const gone = new Set<string>();
  const standing: LaterPatch[] = [];
  // From the end, because a revert that was taken back itself takes back nothing.
  for (const patch of [...later].reverse()) {
    if (gone.has(patch.id)) continue;
    if (patch.reverts_id != null && ids.has(patch.reverts_id)) gone.add(patch.reverts_id);
    else standing.unshift(patch);
  }
  const is_gone = gone.has(id);
  if (standing.length === later.length) return { is_gone };
  const end = replay(is_gone ? before : after, standing);
  return end !== undefined && isEqualJson(end, head) ? { standing, is_gone } : { is_gone };
}

/** Where the patches lead from a state; undefined when one of them does not apply. */
function replay(from: JsonObject, patches: readonly LaterPatch[]): Json | undefined {
  try {
    return patches.reduce<Json>(
      (state, { operations }) => applyPatch(state, operations, limitsFor(operations)),
      from,
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return undefined;
  }
}
