import type { JsonObject } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { nameOf } from './ancestry.ts';
import { encodeDefinition, type EncodedDefinition } from './blobs-encode.ts';
import type { DefinitionService, PinnedVersion } from './materialise.ts';
import { baseDocument } from './merges-base.ts';
import { applyPatch } from './rules/json-patch.ts';
import { PATCH_LIMITS } from './rules/json-patch-limits.ts';
import { parseOperations } from './rules/json-patch-operations.ts';
import { type Conflict, mergeDefinitions } from './rules/merge.ts';
import type { History, Version } from './rules/merge-base.ts';
import { unsettled } from './rules/merge-resolve.ts';

export interface MergeInput {
  ours: PinnedVersion;
  theirs: PinnedVersion;
  bases: Version[];
  history: History;
}

/**
 * The merged definition, with the caller's resolutions, valid and ready to store. Throws `merge_conflict` for what no
 * resolution writes, what `applyPatch` throws, `definition_invalid` when the two sides together make no definition.
 */
export async function mergedDefinition(
  deps: { db: Db; definitions: Pick<DefinitionService, 'read'> },
  project_id: string,
  { resolutions = [] }: { resolutions?: unknown },
  { ours, theirs, bases, history }: MergeInput,
): Promise<EncodedDefinition> {
  const read = async (version: PinnedVersion) =>
    (await deps.definitions.read(project_id, version, deps.db)) as unknown as JsonObject;
  const base = await baseDocument(history, bases, (version) => read(nameOf(version)));
  const { draft, conflicts } = mergeDefinitions(base, await read(ours), await read(theirs));
  const open = unsettled(conflicts, parseOperations(resolutions, PATCH_LIMITS));
  if (open.length > 0) throw inConflict(open, { ours, theirs, bases });
  return encodeDefinition(applyPatch(draft, resolutions));
}

/** Says which versions the conflicts are between, for a tag may have moved when they are resolved. */
function inConflict(conflicts: Conflict[], { ours, theirs, bases }: Omit<MergeInput, 'history'>): AppError {
  const sides = { ours: ours.version_hash, theirs: theirs.version_hash, merge_bases: bases.map(nameOf) };
  const detail = `${conflicts.length} values are in conflict; settle each by an operation in resolutions.`;
  return new AppError('merge_conflict', { detail, extra: { conflicts, ...sides } });
}
