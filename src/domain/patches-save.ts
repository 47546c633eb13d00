import type { Definition } from '../contract/definition.ts';
import type { Json } from '../contract/json.ts';
import type { Db } from '../persistence/db.ts';
import { insertPatch } from '../persistence/patches.ts';
import { type EncodedDefinition, encodeDefinition, encodeJson } from './blobs-encode.ts';
import { compactionOf, ensureCompaction } from './compactions.ts';
import type { DefinitionService } from './materialise.ts';
import type { Caller } from './refs.ts';
import { compactedBase, placeInChain } from './rules/patch-chain.ts';
import type { Expectation } from './rules/tag-move.ts';
import { type Head, saveVersion } from './workflows-save.ts';

export interface SavePatchDeps {
  db: Db;
  ids: () => string;
  /** A chain of so many patches is full: the next patch is put on its compaction. */
  compact_after: number;
  definitions: Pick<DefinitionService, 'remember'>;
}

/** What every patch of a tag comes with. */
export interface PatchWrite {
  tag: string;
  message?: string;
  expectation: Expectation;
  /** As for a move; the message is the reason then. */
  break_glass?: boolean;
}

export interface PatchRequest extends PatchWrite {
  /** RFC 6902; as the caller sent it. */
  operations: unknown;
}

/** A patch that applies: what it is made on, and what becomes of it. */
export interface AppliedPatch extends PatchWrite {
  operations: readonly unknown[];
  /** The patch it takes back. */
  reverts_id?: string;
  head: Head;
  before: Json;
  after: Json;
}

export interface PatchResult {
  /** False when nothing was left to change: the tag did not move. */
  changed: boolean;
  head: Head;
}

/**
 * Validates and stores a patch and moves its tag, all or nothing; a full chain is compacted in the same transaction.
 * Throws `definition_invalid`, and `LostRace` when the tag is not as in `head` any more.
 */
export async function savePatch(
  deps: SavePatchDeps,
  caller: Caller,
  patch: AppliedPatch,
): Promise<PatchResult> {
  const { db, ids, compact_after } = deps;
  const { tag, head, message: reason, break_glass } = patch;
  const result = encodeDefinition(patch.after);
  if (result.cas_id === head.version_hash) return { changed: false, head };
  const operations = encodeJson(patch.operations as Json);
  const compaction = head.depth >= compact_after ? await compactionOf(db, head, ids) : undefined;
  const place = placeInChain(compaction ? compactedBase(head, compaction.id) : head, operations.cas_id);
  const row = { ...factsOf(caller, patch, result), ...place, id: ids(), cas_id: operations.cas_id };
  const saved = await saveVersion(db, {
    caller,
    tag,
    head,
    artifact: { id: row.id, kind: 'patch_set' },
    blobs: [operations, result, ...(compaction ? [encodeJson(patch.before)] : [])],
    written: operations.bytes,
    reason,
    break_glass,
    insert: async (tx) => {
      if (compaction) await ensureCompaction(tx, caller, compaction, { of: head.id });
      await insertPatch(tx, row);
    },
    ids,
  });
  const document = patch.after as unknown as Definition;
  deps.definitions.remember(caller.project_id, { ...result, document });
  return { changed: true, head: saved };
}

function factsOf({ project_id, actor }: Caller, patch: AppliedPatch, result: EncodedDefinition) {
  const { cas_id: version_hash, nodes_count, edges_count } = result;
  const counts = { nodes_count, edges_count, op_count: patch.operations.length };
  const { message, reverts_id } = patch;
  return { project_id, version_hash, ...counts, message, reverts_id, created_by: actor };
}
