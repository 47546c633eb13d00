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
  /** The later patches that stand. */
  standing: readonly LaterPatch[];
  /** Whether the patch was taken back already. */
  is_gone: boolean;
}

/** How many patches are replayed at most to find out which pairs leave nothing behind one by one. */
const MAX_REPLAYED = 2_000;

/**
 * Takes those that were taken back away, with the reverts that did it: a revert leads to where the chain leads without both.
 * A value that was put back in between may hide a part of what one did; a pair that leaves something behind stays.
 */
export function withoutTakenBack({ id, before, after, later, head }: Reversal): Cleared {
  const clearedOf = (left: ReadonlySet<string>): Cleared => ({
    standing: later.filter((patch) => !left.has(patch.id)),
    is_gone: left.has(id),
  });
  const leadsToHead = ({ standing, is_gone }: Cleared) =>
    isEqualJson(replay(is_gone ? before : after, standing) ?? null, head);

  const pairs = takenBack(id, later);
  if (pairs.length === 0) return { standing: later, is_gone: false };
  const all = clearedOf(new Set(pairs.flat()));
  if (leadsToHead(all)) return all;
  let left = new Set<string>();
  if (pairs.length * later.length <= MAX_REPLAYED)
    for (const pair of pairs) {
      const more = new Set([...left, ...pair]);
      if (leadsToHead(clearedOf(more))) left = more;
    }
  return clearedOf(left);
}

/** Those of the patches that were taken back, each with its revert, the last revert first. */
function takenBack(id: string, later: readonly LaterPatch[]): [string, string][] {
  const ids = new Set([id, ...later.map((patch) => patch.id)]);
  const gone = new Set<string>();
  const pairs: [string, string][] = [];
  // From the end, because a revert that was taken back itself takes back nothing.
  for (const { id: revert, reverts_id } of [...later].reverse()) {
    if (gone.has(revert) || reverts_id == null || !ids.has(reverts_id)) continue;
    gone.add(reverts_id);
    pairs.push([reverts_id, revert]);
  }
  return pairs;
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
