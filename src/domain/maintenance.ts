import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { JobExecution, TemporalMaintenance } from '../clients/temporal-maintenance.ts';
import { AppError } from '../contract/errors.ts';
import type {
  FsckReport,
  GcReport,
  MaintenanceKind,
  MaintenanceRequests,
  ReconcileReport,
  RetentionReport,
} from '../contract/maintenance.ts';
import type { Finding } from '../persistence/fsck.ts';
import type { FsckService, Place } from './fsck.ts';
import type { GcService } from './gc.ts';
import type { Preview, PreviewRequest } from './gc-preview.ts';
import type { Page } from './tags.ts';

/** What a check of everything found, together with how much it looked at. */
export interface FsckOutcome extends FsckReport {
  /** Cas ids of blobs whose bytes are wrong or missing. */
  corrupt: string[];
  /** The first findings of every kind; `findings` has them all. */
  problems: Finding[];
}

interface Outcomes {
  gc: GcReport;
  fsck: FsckOutcome;
  retention: RetentionReport;
  reconcile: ReconcileReport;
}

/** A maintenance job: what Temporal knows of it, and its report once it has completed. */
export type Job = {
  [K in MaintenanceKind]: Omit<JobExecution, 'kind' | 'report' | 'request'> & {
    kind: K;
    report: Outcomes[K] | null;
  };
}[MaintenanceKind];

export interface Patience {
  seconds: number;
  /** Aborted when nobody waits any more. */
  signal: AbortSignal;
}

export interface MaintenanceService {
  /** What a collection would do now. */
  preview(request: Omit<PreviewRequest, 'grace_seconds'> & { grace_seconds?: number }): Promise<Preview>;
  /**
   * Starts a job and waits for its end, at most so long. Joins one of its kind that is under way with the same request;
   * with another request that is `state_conflict`.
   */
  run<K extends MaintenanceKind>(
    kind: K,
    request: Partial<MaintenanceRequests[K]>,
    patience: Patience,
  ): Promise<Job>;
  /** A job by its id, once it has ended or as it is after so long. Throws `not_found`. */
  job(id: string, patience: Patience): Promise<Job>;
  /** What a check found so far, all of it. Throws `not_found` for anything but a check. */
  findings(id: string, page: { after?: Place; limit: number }): Promise<Page<Finding, Place>>;
}

export interface MaintenanceDeps {
  temporal: TemporalMaintenance;
  gc: Pick<GcService, 'preview'>;
  fsck: Pick<FsckService, 'corrupt' | 'findings'>;
  /** Where a request says nothing. */
  grace_seconds: number;
}

const POLL_MS = 100;
const MAX_CORRUPT = 10_000;
const PROBLEMS = 100;

export function maintenanceService(deps: MaintenanceDeps): MaintenanceService {
  const { temporal, gc, fsck } = deps;
  const find = async (id: string): Promise<JobExecution> => {
    const job = await temporal.find(id);
    if (!job) throw new AppError('not_found');
    return job;
  };
  const settled = async (job: JobExecution, { seconds, signal }: Patience): Promise<Job> => {
    const until_ms = Date.now() + seconds * 1_000;
    while (job.state === 'running' && Date.now() < until_ms && !signal.aborted) {
      await pause(POLL_MS);
      job = await find(job.id);
    }
    return outcomeOf(fsck, job);
  };
  return {
    preview: (request) =>
      gc.preview({ ...request, grace_seconds: request.grace_seconds ?? deps.grace_seconds }),
    async run(kind, request, patience) {
      const defaults = kind === 'gc' ? { grace_seconds: deps.grace_seconds } : {};
      const wanted = { ...defaults, ...request } as MaintenanceRequests[typeof kind];
      const { job, joined } = await temporal.start(kind, wanted);
      if (joined && !isDeepStrictEqual(job.request, wanted)) throw underWay(job);
      return settled(job, patience);
    },
    job: async (id, patience) => settled(await find(id), patience),
    async findings(id, page) {
      const { kind } = await find(id);
      if (kind !== 'fsck') throw new AppError('not_found');
      return fsck.findings(executionOf(id), page);
    },
  };
}

const underWay = ({ id }: JobExecution) =>
  new AppError('state_conflict', { detail: 'Another job of this kind is under way.', extra: { job_id: id } });

/** A job is named by its kind and its Temporal execution; what it found is kept under the latter. */
const executionOf = (id: string): string => id.slice(id.indexOf('-') + 1);

async function outcomeOf(
  fsck: MaintenanceDeps['fsck'],
  { request: _request, ...job }: JobExecution,
): Promise<Job> {
  if (job.kind !== 'fsck' || job.report === null) return job as Job;
  const report = job.report as FsckReport;
  const corrupt = await fsck.corrupt(executionOf(job.id), MAX_CORRUPT);
  const { items: problems } = await fsck.findings(executionOf(job.id), { limit: PROBLEMS });
  return { ...job, kind: 'fsck', report: { ...report, corrupt, problems } };
}
