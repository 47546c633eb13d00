import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { readTag } from '../persistence/tags.ts';
import { type AncestryService, nameOf, type VersionName } from './ancestry.ts';
import type { DefinitionService } from './materialise.ts';
import { mergedDefinition } from './merges-document.ts';
import { type Destination, forward, openTag, type Result, saveMerge, type Sides } from './merges-save.ts';
import type { Caller, RefService } from './refs.ts';
import { PATCH_LIMITS } from './rules/json-patch-limits.ts';
import { parseOperations } from './rules/json-patch-operations.ts';
import { type MergePlan, planMerge, requireKept } from './rules/merge-plan.ts';
import { requireTagName } from './rules/tag-name.ts';
import { triesFor, untilWon } from './tags-attempt.ts';
import { brokenBySave, type BrokenGlass } from './tags-write.ts';

export interface MergeRequest extends Destination {
  /** In place of the common ancestors. */
  base?: string;
}

export interface Merge extends Result {
  outcome: MergePlan['outcome'];
  /** Version hashes of what was merged. */
  ours: string;
  theirs: string;
  merge_bases: VersionName[];
}

export interface MergeService {
  /**
   * Merges `theirs` into `ours` and stores the result as a version with both as parents; where one side comes from the
   * other that one is the result. Then moves the tag, in the same transaction, if it keeps what it has.
   * Throws `merge_conflict` with every conflict, `no_merge_base`, `not_fast_forward`, `definition_invalid`, what
   * `applyPatch` throws for the resolutions, `passGate` for the tag and `RefService.resolve` for the references.
   */
  merge(caller: Caller, request: MergeRequest): Promise<Merge>;
}

export interface MergeDeps {
  db: Db;
  ids: () => string;
  refs: Pick<RefService, 'resolve'>;
  ancestry: Pick<AncestryService, 'load'>;
  definitions: Pick<DefinitionService, 'read' | 'remember'>;
  onBreakGlass?: (event: BrokenGlass) => void;
}

export function mergeService(deps: MergeDeps): MergeService {
  return {
    merge: async (caller, request) => {
      const { tag, expectation } = request;
      parseOperations(request.resolutions ?? [], PATCH_LIMITS);
      if (tag === undefined) return attempt(deps, caller, withoutTag(request));
      const key = { project_id: caller.project_id, name: requireTagName(tag, '/tag') };
      const once = (db: Db) => attempt({ ...deps, db }, caller, request);
      const done = await untilWon(deps.db, key, once, triesFor(expectation));
      if (request.break_glass && done.moved) deps.onBreakGlass?.(brokenBySave(caller, { ...request, tag }));
      return done;
    },
  };
}

async function attempt(deps: MergeDeps, caller: Caller, request: MergeRequest): Promise<Merge> {
  const sides = await readSides(deps, caller.project_id, request);
  const { ours, theirs, history } = sides;
  const plan = planMerge(history, idsOf(sides));
  requireKept(history, sides.target_id, [ours.artifact_id, theirs.artifact_id]);
  const facts = {
    outcome: plan.outcome,
    ours: ours.version_hash,
    theirs: theirs.version_hash,
    merge_bases: plan.bases.map(nameOf),
  };
  if (plan.outcome !== 'merged') {
    const result = plan.outcome === 'fast_forward' ? theirs : ours;
    return { ...facts, ...(await forward(deps, caller, request, { ...sides, result })) };
  }
  const head = await openTag(deps, caller, request, sides);
  const encoded = await mergedDefinition(deps, caller.project_id, request, { ...sides, bases: plan.bases });
  return { ...facts, ...(await saveMerge(deps, caller, request, { ...sides, head, encoded })) };
}

/** Reads the tag before the references, so that an `ours` that names it is never older than the state it is held to. */
async function readSides(deps: MergeDeps, project_id: string, request: MergeRequest): Promise<Sides> {
  const { db, refs, ancestry } = deps;
  const { tag, base } = request;
  const target_id = tag === undefined ? undefined : (await readTag(db, project_id, tag))?.target_id;
  const ours = await refs.resolve(project_id, request.ours, db);
  const theirs = await refs.resolve(project_id, request.theirs, db);
  const named = base === undefined ? undefined : await refs.resolve(project_id, base, db);
  const heads = [ours.artifact_id, theirs.artifact_id, named?.artifact_id, target_id];
  const history = await ancestry.load(
    project_id,
    heads.filter((id) => id !== undefined),
    db,
  );
  return { ours, theirs, base: named, target_id, history };
}

const idsOf = ({ ours, theirs, base }: Sides) => ({
  ours: ours.artifact_id,
  theirs: theirs.artifact_id,
  base: base?.artifact_id,
});

/** What only a tag can be asked is a mistake without one. */
function withoutTag(request: MergeRequest): MergeRequest {
  const { if_match, expected } = request.expectation;
  const errors = [
    ...(if_match === undefined ? [] : ['/headers/if-match']),
    ...(expected === undefined ? [] : ['/expected_version']),
    ...(request.break_glass === undefined ? [] : ['/break_glass']),
  ].map((path) => ({ path, message: 'needs a tag' }));
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
  return request;
}
