import { contentHash } from './content-hash.ts';

/** Part of every plan: a materialiser that would give other bytes must have another number. */
export const MATERIALISER_VERSION = 1;

/** The version a patch is put on. */
export interface PatchBase {
  id: string;
  version_hash: string;
  base_version: string | null;
  plan_hash: string | null;
  depth: number;
}

export interface ChainPlace {
  base_version: string;
  parent_id: string;
  depth: number;
  plan_hash: string;
}

/** The place of a patch with the operations `cas_id` on top of `parent` (contract §3.2). */
export function placeInChain(parent: PatchBase, cas_id: string): ChainPlace {
  return {
    base_version: parent.base_version ?? parent.id,
    parent_id: parent.id,
    depth: parent.depth + 1,
    plan_hash: planHash(parent, cas_id),
  };
}

/** The head of a full chain as a base of its own: the compacted version `id`, with the same content. */
export function compactedBase(head: Pick<PatchBase, 'version_hash'>, id: string): PatchBase {
  return { id, version_hash: head.version_hash, base_version: null, plan_hash: null, depth: 0 };
}

/**
 * Hash over the base, the patches in order and the materialiser's version (contract §3.4). Each plan contains the
 * one before it, so the plan of a thousand patches costs no more than that of one.
 */
export function planHash(parent: Pick<PatchBase, 'version_hash' | 'plan_hash'>, cas_id: string): string {
  const before = parent.plan_hash ?? contentHash(`base ${MATERIALISER_VERSION} ${parent.version_hash}`);
  return contentHash(`patch ${before} ${cas_id}`);
}
