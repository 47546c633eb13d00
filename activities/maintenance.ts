import { Context } from '@temporalio/activity';
import type {
  BlobsChecked,
  GcAmount,
  MaintenanceActivities,
  ReconcileReport,
} from '../src/contract/maintenance.ts';
import type { FsckService } from '../src/domain/fsck.ts';
import type { GcService } from '../src/domain/gc.ts';
import type { ReconcileService } from '../src/domain/reconcile.ts';
import type { RetentionService } from '../src/domain/retention.ts';
import type { Resumed, Watch } from '../src/domain/watch.ts';
import { translated, withHeartbeat } from './heartbeat.ts';

export interface MaintenanceActivityServices {
  gc: GcService;
  fsck: FsckService;
  retention: RetentionService;
  reconcile: ReconcileService;
}

type Objects = Awaited<ReturnType<MaintenanceActivities['checkObjects']>>;
type Versions = Awaited<ReturnType<MaintenanceActivities['checkVersions']>>;
type Expired = Awaited<ReturnType<MaintenanceActivities['expireRuns']>>;

/** The jobs that keep the store in order: input → one service call, watched. */
export function createMaintenanceActivities({
  gc,
  fsck,
  retention,
  reconcile,
}: MaintenanceActivityServices): MaintenanceActivities {
  return {
    markUnreachable: () => watched(() => gc.mark()),
    collectUnreachable: (request) => watched<GcAmount, GcAmount>((watch) => gc.collect(request, watch)),
    sweepObjects: () => watched(() => gc.sweepObjects()),
    checkBlobs: ({ job_id }) =>
      watched<Resumed<BlobsChecked>, BlobsChecked>((watch) => fsck.checkBlobs(job_id, watch)),
    checkObjects: ({ job_id }) => watched<Objects, Objects>((watch) => fsck.checkObjects(job_id, watch)),
    checkVersions: ({ job_id }) =>
      watched<Resumed<Versions>, Versions>((watch) => fsck.checkVersions(job_id, watch)),
    checkRelations: ({ job_id }) => watched(() => fsck.checkRelations(job_id)),
    countFindings: ({ job_id }) => watched(() => fsck.count(job_id)),
    expireRuns: () => watched<Expired, Expired>((watch) => retention.expireRuns(watch)),
    reconcileRuns: () => watched<number, ReconcileReport>((watch) => reconcile.pass({ repair: true, watch })),
    expireNotes: () => watched((watch) => retention.expireNotes(watch)),
  };
}

/** Heartbeats carry how far the work has come; the attempt after a killed worker's goes on from there. */
function watched<P, T>(work: (watch: Watch<P>) => Promise<T>): Promise<T> {
  const context = Context.current();
  let progress = context.info.heartbeatDetails as P | undefined;
  const from = progress ?? undefined;
  const report = (reached: P) => {
    progress = structuredClone(reached);
    context.heartbeat(progress);
  };
  return translated(() =>
    withHeartbeat(
      (signal) => work({ from, report, signal }),
      () => progress,
    ),
  );
}
