import type { GcAmount, GcRequest } from '../contract/maintenance.ts';
import type { Db } from '../persistence/db.ts';
import { cutoffFor } from '../persistence/gc-collect.ts';
import {
  needOfArtifacts,
  needOfNames,
  needOfProposals,
  needOfReleases,
  needOfRuns,
} from '../persistence/gc-needs.ts';
import {
  addYoungArtifacts,
  addYoungBlobs,
  oldestStep,
  readItems,
  readTotals,
  readWays,
  type StepUnderWay,
  type TotalRow,
} from '../persistence/gc-preview.ts';
import { beginReach, follow, nextDepth, reachFromRoots } from '../persistence/gc-reach.ts';
import { scanForNames } from './gc-scan.ts';
import type { ObjectStores } from './object-stores.ts';
import { explain, type Explained } from './rules/gc-explain.ts';
import { page, type Page } from './tags.ts';

export interface PreviewRequest extends GcRequest {
  page: { after?: string; limit: number };
  /** Only what would be collected, or only what stays. */
  fate?: Explained['fate'];
}

export interface Preview extends Page<Explained, string> {
  grace_seconds: number;
  /** What a collection would take now. */
  collected: GcAmount;
  /** What would stay, in all and for each reason. */
  kept: GcAmount & { reasons: Record<string, GcAmount> };
  /** The step under way that has begun first: what became unreachable since then stays. */
  oldest_step: StepUnderWay | null;
}

interface Deps {
  objects: ObjectStores;
  undo_window_seconds: number;
}

/** Artifacts shown of a way; the rest of a long one says nothing new. */
const MAX_VIA = 20;

/** Works out what `GcService.mark` and `collect` would do at this moment, with a witness for each thing that stays. */
export async function preview(deps: Deps, db: Db, request: PreviewRequest): Promise<Preview> {
  const { grace_seconds, fate } = request;
  await reach(deps, db, grace_seconds);
  const { after = '', limit } = request.page;
  const collected = fate && fate === 'collected';
  const rows = await readItems(db, { after, collected, limit: limit + 1 });
  const { items, next } = page(rows, limit, (row) => row.id);
  const holders = items.flatMap(({ artifact_id }) => artifact_id ?? []);
  const ways = new Map((await readWays(db, holders, MAX_VIA)).map((way) => [way.leaf, way]));
  const step = (await oldestStep(db)) ?? null;
  return {
    grace_seconds,
    ...amounts(await readTotals(db)),
    oldest_step: step,
    items: items.map((item) => explain(item, ways.get(item.artifact_id ?? ''), { grace_seconds, step })),
    next,
  };
}

/** First what roots need, then what is too young to go and what that needs. */
async function reach(deps: Deps, db: Db, grace_seconds: number): Promise<void> {
  const cutoff = await cutoffFor(db, grace_seconds);
  await beginReach(db);
  await reachFromRoots(db, deps.undo_window_seconds);
  await needOfArtifacts(db, 0);
  await needOfRuns(db);
  await needOfReleases(db);
  await needOfProposals(db);
  await scanForNames(deps, db);
  await needOfNames(db);
  const depth = await nextDepth(db);
  await addYoungArtifacts(db, cutoff, depth);
  await follow(db);
  await needOfArtifacts(db, depth);
  await scanForNames(deps, db);
  await needOfNames(db);
  await addYoungBlobs(db, cutoff);
}

function amounts(rows: readonly TotalRow[]): Pick<Preview, 'collected' | 'kept'> {
  const collected = nothing();
  const kept = { ...nothing(), reasons: {} as Record<string, GcAmount> };
  for (const { things, why, count, bytes } of rows) {
    const sums = why === null ? [collected] : [kept, (kept.reasons[why] ??= nothing())];
    for (const sum of sums) {
      sum[things] += count;
      sum.bytes += bytes;
    }
  }
  return { collected, kept };
}

const nothing = (): GcAmount => ({ artifacts: 0, blobs: 0, bytes: 0 });
