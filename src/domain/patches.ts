import type { Definition } from '../contract/definition.ts';
import type { Json } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import { findArtifact } from '../persistence/artifacts.ts';
import type { ArtifactRow } from '../persistence/artifacts-columns.ts';
import type { Db } from '../persistence/db.ts';
import { findFirstMove, insertPatch } from '../persistence/patches.ts';
import type { BlobService } from './blobs.ts';
import { encodeDefinition, encodeJson } from './blobs-encode.ts';
import type { DefinitionService } from './materialise.ts';
import type { Caller } from './refs.ts';
import { applyPatch } from './rules/json-patch.ts';
import { PATCH_LIMITS } from './rules/json-patch-limits.ts';
import { onlyTests, parseOperations } from './rules/json-patch-operations.ts';
import { placeInChain } from './rules/patch-chain.ts';
import type { Expectation } from './rules/tag-move.ts';
import { isTagName, isUuid } from './rules/tag-name.ts';
import { triesFor, untilWon } from './tags-attempt.ts';
import { type Head, readHead, saveVersion } from './workflows-save.ts';

export interface PatchRequest {
  tag: string;
  /** RFC 6902; as the caller sent it. */
  operations: unknown;
  message?: string;
  expectation: Expectation;
}

export interface PatchResult {
  /** False when nothing was left to change: the tag did not move. */
  changed: boolean;
  head: Head;
}

/** A stored patch with its operations; the tag it was made on is unknown for one that no tag ever had. */
export interface StoredPatch extends ArtifactRow {
  operations: Json;
  tag: string | null;
  tag_version: number | null;
}

export interface PatchService {
  /**
   * Applies a patch to what the tag points at and moves the tag to the result, in one transaction.
   * Throws what `passGate` throws, `patch_invalid`, `patch_conflict`, `definition_invalid`, `not_found`,
   * `state_conflict` when the chain is full.
   */
  create(caller: Caller, request: PatchRequest): Promise<PatchResult>;
  get(project_id: string, id: string): Promise<StoredPatch>;
}

export interface PatchDeps {
  db: Db;
  ids: () => string;
  max_chain: number;
  definitions: Pick<DefinitionService, 'read' | 'remember'>;
  blobs: Pick<BlobService, 'get'>;
}

export function patchService(deps: PatchDeps): PatchService {
  const { db } = deps;
  return {
    create: async (caller, request) => {
      const tag = { project_id: caller.project_id, name: request.tag };
      if (!isTagName(tag.name)) throw new AppError('not_found');
      const operations = parseOperations(request.operations, PATCH_LIMITS);
      const attempt = async (at: Db) => {
        const head = await readHead(at, tag, request.expectation);
        if (!head) throw new AppError('not_found');
        const version = { artifact_id: head.id, version_hash: head.version_hash };
        const before = await deps.definitions.read(tag.project_id, version, at);
        const after = applyPatch(before as unknown as Json, request.operations);
        return onlyTests(operations)
          ? { changed: false, head }
          : savePatch({ ...deps, db: at }, caller, request, { head, after });
      };
      return untilWon(db, tag, attempt, triesFor(request.expectation));
    },
    get: async (project_id, id) => {
      const patch = isUuid(id) ? await findArtifact(db, project_id, id) : undefined;
      if (patch?.kind !== 'patch_set') throw new AppError('not_found');
      const { bytes } = await deps.blobs.get(project_id, patch.cas_id);
      const move = await findFirstMove(db, project_id, id);
      const operations = JSON.parse(bytes.toString('utf8')) as Json;
      return { ...patch, operations, tag: move?.tag_name ?? null, tag_version: move?.version ?? null };
    },
  };
}

async function savePatch(
  deps: PatchDeps,
  caller: Caller,
  request: PatchRequest,
  change: { head: Head; after: Json },
): Promise<PatchResult> {
  const { head } = change;
  const result = encodeDefinition(change.after);
  if (result.cas_id === head.version_hash) return { changed: false, head };
  const operations = encodeJson(request.operations as Json);
  const id = deps.ids();
  const place = placeInChain(head, operations.cas_id, deps.max_chain);
  const { project_id, actor: created_by } = caller;
  const { cas_id: version_hash, nodes_count, edges_count } = result;
  const op_count = (request.operations as unknown[]).length;
  const facts = {
    id,
    project_id,
    cas_id: operations.cas_id,
    version_hash,
    nodes_count,
    edges_count,
    op_count,
  };
  const saved = await saveVersion(deps.db, {
    caller,
    tag: request.tag,
    head,
    artifact: { id, kind: 'patch_set' },
    blobs: [operations, result],
    reason: request.message,
    insert: (tx) => insertPatch(tx, { ...facts, ...place, message: request.message, created_by }),
    ids: deps.ids,
  });
  deps.definitions.remember(project_id, { ...result, document: change.after as unknown as Definition });
  return { changed: true, head: saved };
}
