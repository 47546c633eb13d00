import type { Json, JsonObject } from '../contract/json.ts';
import { AppError, type Problem } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { readHeadRow } from '../persistence/tags-head.ts';
import { encodeDefinition } from './blobs-encode.ts';
import type { DefinitionService } from './materialise.ts';
import type { PatchRequest } from './patches-save.ts';
import type { Caller } from './refs.ts';
import { type DefinitionDiff, diffDefinitions } from './rules/diff.ts';
import { applyPatch } from './rules/json-patch.ts';
import { checkExpectation, type Expectation } from './rules/tag-move.ts';
import { isTagName } from './rules/tag-name.ts';
import type { Head } from './workflows-save.ts';

export interface PatchPreview {
  tag: string;
  /** The version of the tag that was looked at: what `If-Match` should say when the patch is made. */
  tag_version: number;
  /** Whether the result is a definition; `errors` says by JSON Pointer why it is not. */
  valid: boolean;
  errors: readonly Problem[];
  /** Whether the tag would move. */
  changed: boolean;
  /** The hash that the version would have; null when it could not be one. */
  version_hash: string | null;
  diff: { from: string; to: string | null } & DefinitionDiff;
}

export interface PreviewDeps {
  db: Db;
  definitions: Pick<DefinitionService, 'read'>;
}

/** Applies a patch to what the tag points at and says what would come of it. Nothing is written. */
export async function previewPatch(
  { db, definitions }: PreviewDeps,
  caller: Caller,
  { tag: name, operations, expectation }: PatchRequest,
): Promise<PatchPreview> {
  const { project_id } = caller;
  const head = await look(db, { project_id, name }, expectation);
  const { version_hash: from, tag_version } = head;
  const document = await definitions.read(project_id, { artifact_id: head.id, version_hash: from });
  const before = document as unknown as JsonObject;
  const after = applyPatch(before, operations);
  const { version_hash, errors } = verdictOn(after);
  const valid = version_hash !== null;
  const diff = { from, to: version_hash, ...diffDefinitions(before, after as JsonObject) };
  return {
    tag: name,
    tag_version,
    valid,
    errors,
    changed: valid && version_hash !== from,
    version_hash,
    diff,
  };
}

/** Past the expectation only: a look changes nothing, so no guard of the tag's writes stands before it. */
async function look(
  db: Db,
  tag: { project_id: string; name: string },
  expectation: Expectation,
): Promise<Head> {
  const head = (isTagName(tag.name) ? (await readHeadRow(db, tag)).head : undefined) as Head | undefined;
  if (!head) throw new AppError('not_found');
  const { id: target_id, version_hash: target_hash, tag_version: version } = head;
  checkExpectation({ target_id, target_hash, version, protected: false }, expectation);
  return head;
}

/** The same check as when it is stored, with the refusal as data. */
function verdictOn(after: Json): Pick<PatchPreview, 'version_hash' | 'errors'> {
  try {
    return { version_hash: encodeDefinition(after).cas_id, errors: [] };
  } catch (error) {
    if (!(error instanceof AppError) || error.family !== 'invalid') throw error;
    return { version_hash: null, errors: error.data.errors ?? [] };
  }
}
