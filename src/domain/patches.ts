import type { Json } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import { findArtifact } from '../persistence/artifacts.ts';
import type { ArtifactRow } from '../persistence/artifacts-columns.ts';
import type { Db } from '../persistence/db.ts';
import { findFirstMove } from '../persistence/patches.ts';
import type { BlobService } from './blobs.ts';
import { notCollected } from './collected.ts';
import type { DefinitionService } from './materialise.ts';
import { type PatchPreview, previewPatch } from './patches-preview.ts';
import { takeBack } from './patches-revert.ts';
import { type PatchRequest, type PatchResult, type PatchWrite, savePatch } from './patches-save.ts';
import type { Caller } from './refs.ts';
import { applyPatch } from './rules/json-patch.ts';
import { PATCH_LIMITS } from './rules/json-patch-limits.ts';
import { onlyTests, parseOperations } from './rules/json-patch-operations.ts';
import { isTagName, isUuid } from './rules/tag-name.ts';
import { triesFor, untilWon } from './tags-attempt.ts';
import { type BrokenGlass, brokenBySave } from './tags-write.ts';
import { readHead } from './workflows-save.ts';

/** A stored patch with its operations; the tag it was made on is unknown for one that no tag ever had. */
export interface StoredPatch extends ArtifactRow {
  operations: Json;
  tag: string | null;
  tag_version: number | null;
}

export interface PatchService {
  /**
   * Applies a patch to what the tag points at and moves the tag to the result, in one transaction. A full chain goes on
   * from its compaction. Throws what `passGate` throws, `patch_invalid`, `patch_conflict`, `definition_invalid`,
   * `not_found`.
   */
  create(caller: Caller, request: PatchRequest): Promise<PatchResult>;
  /** What `create` would make, without making it. Throws the same, but a result that is no definition is an answer. */
  preview(caller: Caller, request: PatchRequest): Promise<PatchPreview>;
  /**
   * Takes back one patch of the tag's chain by a new one on its head. Throws `revert_conflict` when later patches depend
   * on it, `state_conflict` when it is not in the chain, and what `create` throws.
   */
  revert(caller: Caller, id: string, request: PatchWrite): Promise<PatchResult>;
  get(project_id: string, id: string): Promise<StoredPatch>;
}

export interface PatchDeps {
  db: Db;
  ids: () => string;
  /** A chain of so many patches is full: the next patch is put on its compaction. */
  compact_after: number;
  definitions: Pick<DefinitionService, 'read' | 'remember'>;
  blobs: Pick<BlobService, 'get'>;
  onBreakGlass?: (event: BrokenGlass) => void;
}

export function patchService(deps: PatchDeps): PatchService {
  const { db } = deps;
  const find = async (project_id: string, id: string): Promise<ArtifactRow> => {
    const patch = isUuid(id) ? await findArtifact(db, project_id, id) : undefined;
    if (patch?.kind !== 'patch_set') throw new AppError('not_found');
    return notCollected(patch);
  };
  const told = (caller: Caller, request: PatchWrite, done: PatchResult): PatchResult => {
    if (request.break_glass && done.changed) deps.onBreakGlass?.(brokenBySave(caller, request));
    return done;
  };
  return {
    create: async (caller, request) => told(caller, request, await createPatch(deps, caller, request)),
    preview: (caller, request) => previewPatch(deps, caller, request),
    revert: async (caller, id, request) =>
      told(caller, request, await takeBack(deps, caller, await find(caller.project_id, id), request)),
    get: async (project_id, id) => {
      const patch = await find(project_id, id);
      const { bytes } = await deps.blobs.get(project_id, patch.cas_id);
      const move = await findFirstMove(db, project_id, id);
      const operations = JSON.parse(bytes.toString('utf8')) as Json;
      return { ...patch, operations, tag: move?.tag_name ?? null, tag_version: move?.version ?? null };
    },
  };
}

async function createPatch(deps: PatchDeps, caller: Caller, request: PatchRequest): Promise<PatchResult> {
  const tag = { project_id: caller.project_id, name: request.tag };
  if (!isTagName(tag.name)) throw new AppError('not_found');
  const operations = parseOperations(request.operations, PATCH_LIMITS);
  const attempt = async (at: Db) => {
    const head = await readHead(at, tag, request.expectation, { ...request, writer: caller });
    if (!head) throw new AppError('not_found');
    const version = { artifact_id: head.id, version_hash: head.version_hash };
    const before = (await deps.definitions.read(tag.project_id, version, at)) as unknown as Json;
    const after = applyPatch(before, request.operations);
    if (onlyTests(operations)) return { changed: false, head };
    const sent = request.operations as unknown[];
    return savePatch({ ...deps, db: at }, caller, { ...request, operations: sent, head, before, after });
  };
  return untilWon(deps.db, tag, attempt, triesFor(request.expectation));
}
