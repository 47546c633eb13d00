import { AppError } from '../contract/errors.ts';
import { lockImports } from '../persistence/bundles.ts';
import type { Db } from '../persistence/db.ts';
import { keepArtifacts, keepNamed } from '../persistence/gc-keep.ts';
import { lockTag, readTag, type TagRow } from '../persistence/tags.ts';
import { deleteEmptyWorkflow, insertWorkflow } from '../persistence/workflows.ts';
import type { AncestryService } from './ancestry.ts';
import type { Received } from './bundles-receive.ts';
import { storeArtifacts, type StoreArtifactsDeps } from './bundles-store.ts';
import type { Caller } from './refs.ts';
import { compareTag, renamed, type TagResult } from './rules/bundle-tag.ts';
import { isTagName } from './rules/tag-name.ts';
import type { TagService } from './tags.ts';
import { LostRace, untilWon } from './tags-attempt.ts';

export interface ImportOptions {
  /** A tag that went another way here: left alone and reported, or reason to store nothing. */
  on_conflict: 'skip' | 'fail';
  /** The name of the workflow here. */
  as?: string;
}

export interface TagReport {
  name: string;
  result: TagResult;
  /** The version that the bundle has for it. */
  version_hash: string;
  /** Its version here; null when it is not here. */
  tag_version: number | null;
  /** Why it was refused. */
  code?: string;
  detail?: string;
}

export interface ImportReport {
  workflow: string | null;
  imported: { artifacts: number; blobs: number };
  tags: TagReport[];
  absent_files: string[];
}

export interface ImportDeps extends StoreArtifactsDeps {
  ancestry: Pick<AncestryService, 'load'>;
  /** The tag service within a transaction. */
  tagsAt: (tx: Db) => Pick<TagService, 'put'>;
}

interface TagPlan {
  name: string;
  number: number;
  version_hash: string;
  target_id: string;
  reason: string;
}

/** The name of no tag: the tags are held one by one, after other imports were waited for. */
const NO_TAG = '';

/**
 * Stores what was received and moves its tags, in one transaction. Every tag goes through its gate; what that refuses is
 * reported. Throws `state_conflict` when `on_conflict` is `fail` and a tag would be left behind.
 */
export function storeBundle(
  deps: ImportDeps,
  caller: Caller,
  received: Received,
  options: ImportOptions,
): Promise<ImportReport> {
  const { project_id } = caller;
  const names = received.tags.map(({ line }) => renamed(line.name, options.as));
  assertNames(names, received, options);
  const attempt = async (tx: Db): Promise<ImportReport> => {
    await lockImports(tx, project_id);
    // In the order of their names, before anything is stored: who saves a tag waits here and for nothing after it.
    for (const name of names) await lockTag(tx, project_id, name);
    await keepHere(tx, project_id, received.rests_on);
    const stored = await storeArtifacts({ ...deps, db: tx }, project_id, received.artifacts);
    const plans = received.tags.map(({ line, number, target }, i) => ({
      name: names[i]!,
      number,
      version_hash: line.version_hash,
      target_id: stored.idOf(target),
      reason: `imported: version ${line.version} by ${line.moved_by} at ${line.moved_at}`,
    }));
    const tags = await importTags({ ...deps, db: tx }, caller, plans, {
      name: options.as ?? received.workflow?.name,
      description: received.workflow?.description ?? '',
    });
    if (options.on_conflict === 'fail') assertAllCame(plans, tags);
    return {
      workflow: options.as ?? received.workflow?.name ?? null,
      imported: { artifacts: stored.inserted, blobs: received.new_blobs },
      tags,
      absent_files: received.absent,
    };
  };
  return untilWon(deps.db, { project_id, name: NO_TAG }, attempt, { optimistic: 0 });
}

function assertNames(names: readonly string[], { workflow }: Received, { as }: ImportOptions): void {
  const message =
    as !== undefined && !workflow
      ? 'the bundle is of a version and has no workflow to rename'
      : names.some((name) => !isTagName(name)) && 'makes no valid name of a tag';
  if (message) throw new AppError('validation_failed', { errors: [{ path: '/query/as', message }] });
}

/** What the bundle builds on was here when it came; garbage collection may have been faster. */
async function keepHere(
  tx: Db,
  project_id: string,
  { artifacts, files }: Received['rests_on'],
): Promise<void> {
  const gone = [
    ...(await keepArtifacts(tx, project_id, artifacts)),
    ...(await keepNamed(tx, project_id, files)),
  ];
  if (gone.length > 0)
    throw new AppError('blob_collected', { detail: `${gone[0]} was collected meanwhile.` });
}

async function importTags(
  deps: ImportDeps,
  caller: Caller,
  plans: readonly TagPlan[],
  workflow: { name?: string; description: string },
): Promise<TagReport[]> {
  const { name, description } = workflow;
  if (name === undefined) return [];
  const { project_id, actor: created_by } = caller;
  const id = deps.ids();
  const is_new = await insertWorkflow(deps.db, { id, project_id, name, description, created_by });
  const reports: TagReport[] = [];
  for (const plan of plans) reports.push(await importTag(deps, caller, plan));
  // No tag was let in: a workflow without any was not asked for.
  if (is_new) await deleteEmptyWorkflow(deps.db, project_id, id);
  return reports;
}

async function importTag(deps: ImportDeps, caller: Caller, plan: TagPlan): Promise<TagReport> {
  const { name, version_hash, target_id: target, reason } = plan;
  const current = await readTag(deps.db, caller.project_id, name);
  const result: TagResult = current ? await compare(deps, caller.project_id, current, plan) : 'created';
  const report = { name, result, version_hash, tag_version: current?.version ?? null };
  if (result !== 'created' && result !== 'fast_forwarded') return report;
  const expectation = { expected: current?.version ?? null };
  try {
    // A transaction within the transaction: what the gate refuses takes nothing else with it.
    const { tag } = await deps.db.transaction((tx) =>
      deps.tagsAt(tx).put(caller, name, { target, expectation, reason }),
    );
    return { ...report, tag_version: tag.version };
  } catch (error) {
    return refusal(report, error);
  }
}

async function compare(
  { db, ancestry }: ImportDeps,
  project_id: string,
  { target_id: id, target_hash: version_hash }: TagRow,
  wanted: TagPlan,
) {
  const history = await ancestry.load(project_id, [id, wanted.target_id], db);
  return compareTag(
    history,
    { id, version_hash },
    { id: wanted.target_id, version_hash: wanted.version_hash },
  );
}

const REFUSALS = new Set(['conflict', 'forbidden', 'precondition_required']);

function refusal(report: TagReport, error: unknown): TagReport {
  if (!(error instanceof AppError) || !REFUSALS.has(error.family)) throw error;
  // We hold the tag if it is there, so someone has just made it: everything is decided anew.
  if (error.code === 'version_conflict') throw new LostRace();
  return { ...report, result: 'refused', code: error.code, detail: error.message };
}

function assertAllCame(plans: readonly TagPlan[], tags: readonly TagReport[]): void {
  const errors = tags.flatMap(({ name, result, detail }, i) =>
    result === 'diverged' || result === 'refused'
      ? [{ path: `/${plans[i]!.number}/tag`, message: `${name} is ${result}${detail ? `: ${detail}` : ''}` }]
      : [],
  );
  if (errors.length > 0)
    throw new AppError('state_conflict', { detail: 'Not every tag can be moved.', errors });
}
