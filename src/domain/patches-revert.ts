import type { JsonObject } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import type { ArtifactRow } from '../persistence/artifacts-columns.ts';
import type { Db } from '../persistence/db.ts';
import { type LinkBack, readPatchesSince } from '../persistence/patches-since.ts';
import type { BlobService } from './blobs.ts';
import { verified } from './blobs-read.ts';
import type { DefinitionService } from './materialise.ts';
import { type PatchResult, type PatchWrite, savePatch, type SavePatchDeps } from './patches-save.ts';
import type { Caller } from './refs.ts';
import { validateDefinition } from './rules/definition.ts';
import { diffDefinitions } from './rules/diff.ts';
import { applyPatch } from './rules/json-patch.ts';
import { type Obstacle, revertPatch } from './rules/revert.ts';
import type { LaterPatch } from './rules/revert-standing.ts';
import { isTagName } from './rules/tag-name.ts';
import { triesFor, untilWon } from './tags-attempt.ts';
import { type Head, readHead } from './workflows-save.ts';

export interface RevertDeps extends SavePatchDeps {
  definitions: Pick<DefinitionService, 'read' | 'remember'>;
  blobs: Pick<BlobService, 'get'>;
}

/** How far back from the head a patch may be, in patches and compactions. */
const REACH = 10_000;
/** Patches in the way that are named one by one, and pointers of each. */
const MAX_NAMED = 100;
const MAX_POINTERS = 10;

/**
 * Takes back a patch of the tag's chain by a new patch on its head. Throws `revert_conflict` with the later patches that
 * depend on it, `state_conflict` when it is not in the chain.
 */
export function takeBack(
  deps: RevertDeps,
  caller: Caller,
  patch: ArtifactRow,
  request: PatchWrite,
): Promise<PatchResult> {
  const { project_id } = caller;
  const { tag: name, expectation } = request;
  if (!isTagName(name)) throw new AppError('not_found');
  const attempt = async (db: Db) => {
    const head = await readHead(db, { project_id, name }, expectation, { ...request, writer: caller });
    if (!head) throw new AppError('not_found');
    const at = { ...deps, db };
    const links = await linksBetween(at, patch, head);
    const before = await read(at, project_id, head);
    const reversal = { ...(await reversalOf(at, project_id, links)), head: before };
    const { document, obstacles } = revertPatch(reversal, validateDefinition);
    if (obstacles.length > 0) throw inTheWay(obstacles);
    const { operations } = diffDefinitions(before, document);
    const after = applyPatch(before, operations);
    const message = request.message ?? `Revert ${patch.id}`;
    return savePatch(at, caller, {
      ...request,
      message,
      reverts_id: patch.id,
      operations,
      head,
      before,
      after,
    });
  };
  return untilWon(deps.db, { project_id, name }, attempt, triesFor(expectation));
}

async function linksBetween({ db }: RevertDeps, patch: ArtifactRow, head: Head): Promise<LinkBack[]> {
  const way = { head_id: head.id, patch_id: patch.id, limit: REACH };
  const links = await readPatchesSince(db, patch.project_id, way);
  if (links[0]?.id === patch.id) return links;
  throw new AppError('state_conflict', {
    detail: `The patch is not among the last ${REACH} of the chain that this tag points at.`,
  });
}

async function reversalOf(deps: RevertDeps, project_id: string, [first, ...rest]: LinkBack[]) {
  const { parent_id: id, parent_hash: version_hash } = first!;
  const before = await read(deps, project_id, { id, version_hash });
  const later: LaterPatch[] = [];
  for (const link of rest)
    later.push({
      id: link.id,
      reverts_id: link.reverts_id,
      operations: await operationsOf(deps, project_id, link),
    });
  const after = applyPatch(before, await operationsOf(deps, project_id, first!)) as JsonObject;
  return { id: first!.id, before, after, later };
}

async function read(
  { db, definitions }: RevertDeps,
  project_id: string,
  { id, version_hash }: { id: string; version_hash: string },
): Promise<JsonObject> {
  const document = await definitions.read(project_id, { artifact_id: id, version_hash }, db);
  return document as unknown as JsonObject;
}

async function operationsOf({ blobs }: RevertDeps, project_id: string, { cas_id, content }: LinkBack) {
  const { bytes } = content
    ? verified({ cas_id, media_type: 'application/json', bytes: content })
    : await blobs.get(project_id, cas_id);
  return JSON.parse(bytes.toString('utf8')) as LaterPatch['operations'];
}

function inTheWay(obstacles: readonly Obstacle[]): AppError {
  const named = obstacles
    .slice(0, MAX_NAMED)
    .map(({ patch_id, pointers }) => ({ patch_id, pointers: pointers.slice(0, MAX_POINTERS) }));
  const one = obstacles.length === 1;
  return new AppError('revert_conflict', {
    detail: `${obstacles.length} later ${one ? 'patch depends' : 'patches depend'} on this one.`,
    errors: named.flatMap(({ patch_id, pointers }) =>
      pointers.map((path) => ({ path, message: `patch ${patch_id} depends on it` })),
    ),
    extra: { conflicts: named },
  });
}
