import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, workflowInfo } from '@temporalio/workflow';
import {
  type FsckReport,
  type GcReport,
  type GcRequest,
  MAINTENANCE_WORKFLOWS,
  type ReconcileReport,
  type RetentionReport,
  type ScheduledJob,
} from '../src/contract/maintenance.ts';
import { maintenance } from './options.ts';

/** Marks what has become unreachable, collects what has been so for long enough, then removes its objects. */
export async function garbageCollection({ grace_seconds }: GcRequest): Promise<GcReport> {
  const { marked, cleared } = await maintenance.markUnreachable();
  const collected = await maintenance.collectUnreachable({ grace_seconds });
  const objects = await maintenance.sweepObjects();
  return { grace_seconds, marked, cleared, collected, objects };
}

/** Verifies everything that is stored. What it finds is in the database under the id of this execution. */
export async function fsck(): Promise<FsckReport> {
  const job = { job_id: workflowInfo().runId };
  const blobs = await maintenance.checkBlobs(job);
  const { objects } = await maintenance.checkObjects(job);
  const { versions } = await maintenance.checkVersions(job);
  await maintenance.checkRelations(job);
  return { checked: { ...blobs, objects, versions }, found: await maintenance.countFindings(job) };
}

/** Deletes what is kept for a limited time. */
export async function retention(): Promise<RetentionReport> {
  const { runs } = await maintenance.expireRuns();
  return { runs, ...(await maintenance.expireNotes()) };
}

/** Holds runs against Temporal, and puts right what differs. */
export async function reconcile(): Promise<ReconcileReport> {
  return maintenance.reconcileRuns();
}

/** What a schedule starts: the job itself, under the one id of its kind, unless one is under way. */
export async function scheduledMaintenance(job: ScheduledJob): Promise<'done' | 'skipped'> {
  const { kind, workflow_id, request } = job;
  try {
    await executeChild(MAINTENANCE_WORKFLOWS[kind], {
      workflowId: workflow_id,
      args: [request],
      memo: { request },
      // One that has begun is not undone by ending what asked for it.
      parentClosePolicy: 'ABANDON',
    });
    return 'done';
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'skipped';
    throw error;
  }
}
