import type { GcAmount, GcRequest, Marked, SweptObjects } from '../contract/maintenance.ts';
import { withConnection } from '../persistence/connection.ts';
import type { Db } from '../persistence/db.ts';
import {
  collectArtifacts,
  collectBlobs,
  cutoffFor,
  FIRST_ARTIFACT,
  forgetSnapshots,
  listDueBlobs,
} from '../persistence/gc-collect.ts';
import { clearReachable, markUnreachable, type Things } from '../persistence/gc-mark.ts';
import {
  needOfArtifacts,
  needOfNames,
  needOfProposals,
  needOfReleases,
  needOfRuns,
} from '../persistence/gc-needs.ts';
import { beginReach, reachAllLive, reachFromRoots } from '../persistence/gc-reach.ts';
import { sweepGarbage } from './blobs-garbage.ts';
import { type Preview, preview, type PreviewRequest } from './gc-preview.ts';
import { scanForNames } from './gc-scan.ts';
import { waitForOlderTransactions } from './gc-wait.ts';
import type { ObjectStores } from './object-stores.ts';
import type { Watch } from './watch.ts';

export interface GcService {
  /** Notes the time on everything that has become unreachable, and takes it from what is reachable again. */
  mark(): Promise<Marked>;
  /** Collects what has been marked for so long. Safe beside everything else, itself included, and at any kill. */
  collect(request: GcRequest, watch?: Watch<GcAmount>): Promise<GcAmount>;
  /** Deletes the objects of collected blobs, and those of uploads that died long ago. */
  sweepObjects(): Promise<SweptObjects>;
  /** What mark and collect would do now, and why everything else stays. Keeps nothing but the names it read. */
  preview(request: PreviewRequest): Promise<Preview>;
}

export interface GcDeps {
  db: Db;
  objects: ObjectStores;
  /** How long a move of a tag keeps what it left and what it led to. */
  undo_window_days: number;
}

const DAY_SECONDS = 86_400;
/** No upload takes so long on its way into the object store. */
const UPLOAD_SECONDS = DAY_SECONDS;
const MARKS_AT_ONCE = 10_000;
const ARTIFACTS_AT_ONCE = 5_000;
const BLOBS_AT_ONCE = 2_000;

/** Decision 0013. */
export function gcService(deps: GcDeps): GcService {
  const undo_window_seconds = deps.undo_window_days * DAY_SECONDS;
  const alone = <T>(work: (db: Db) => Promise<T>) => withConnection(deps.db, work);
  return {
    mark: () =>
      alone(async (db) => {
        await beginReach(db);
        await reachFromRoots(db, undo_window_seconds);
        await reachBlobs(deps, db);
        return markAll(db);
      }),
    collect: ({ grace_seconds }, { from, report, signal } = {}) =>
      alone(async (db) => {
        const collected = { ...(from ?? { artifacts: 0, blobs: 0, bytes: 0 }) };
        const add = (more: Partial<GcAmount>) => {
          collected.artifacts += more.artifacts ?? 0;
          collected.blobs += more.blobs ?? 0;
          collected.bytes += more.bytes ?? 0;
          report?.(collected);
          signal?.throwIfAborted();
        };
        const { cutoff } = await cutoffFor(db, grace_seconds);
        await waitForOlderTransactions(db, cutoff, signal);
        await beginReach(db);
        await reachFromRoots(db, undo_window_seconds);
        await sweepArtifacts(db, { cutoff, undo_window_seconds }, add);
        await forgetSnapshots(db);
        await beginReach(db);
        await reachAllLive(db);
        await reachBlobs(deps, db);
        await sweepBlobs(db, cutoff, add);
        return collected;
      }),
    async sweepObjects() {
      const { deleted, failed } = await sweepGarbage(deps, UPLOAD_SECONDS);
      return { deleted, failed: failed.length };
    },
    preview: (request) => alone((db) => preview({ ...deps, undo_window_seconds }, db, request)),
  };
}

/** The blobs that the artifacts reached, runs, releases and proposals are made of and name. */
async function reachBlobs(deps: Pick<GcDeps, 'objects'>, db: Db): Promise<void> {
  await needOfArtifacts(db, 0);
  await needOfRuns(db);
  await needOfReleases(db);
  await needOfProposals(db);
  await scanForNames(deps, db);
  await needOfNames(db);
}

async function markAll(db: Db): Promise<Marked> {
  const both = async (change: (db: Db, things: Things, limit: number) => Promise<number>) => ({
    artifacts: await untilLess(() => change(db, 'artifacts', MARKS_AT_ONCE), MARKS_AT_ONCE),
    blobs: await untilLess(() => change(db, 'blobs', MARKS_AT_ONCE), MARKS_AT_ONCE),
  });
  return { cleared: await both(clearReachable), marked: await both(markUnreachable) };
}

async function untilLess(step: () => Promise<number>, full: number): Promise<number> {
  let total = 0;
  for (let count = full; count === full; total += count) count = await step();
  return total;
}

type Add = (more: Partial<GcAmount>) => void;

/** Again until nothing more goes: an artifact that is newer than what stands on it (an imported one) waits for a turn. */
async function sweepArtifacts(
  db: Db,
  limits: { cutoff: string; undo_window_seconds: number },
  add: Add,
): Promise<void> {
  let collected: number;
  do {
    collected = 0;
    let after = FIRST_ARTIFACT;
    for (;;) {
      const step = await collectArtifacts(db, { ...limits, after, limit: ARTIFACTS_AT_ONCE });
      if (!step) break;
      ({ after } = step);
      collected += step.collected;
      add({ artifacts: step.collected });
    }
  } while (collected > 0);
}

async function sweepBlobs(db: Db, cutoff: string, add: Add): Promise<void> {
  const due = await listDueBlobs(db, cutoff);
  for (let from = 0; from < due; from += BLOBS_AT_ONCE) {
    const { collected, bytes } = await collectBlobs(db, { cutoff, from, to: from + BLOBS_AT_ONCE });
    add({ blobs: collected, bytes });
  }
}
