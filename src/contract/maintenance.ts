import type { JsonObject } from './json.ts';

/** Jobs that keep the store in order. Each is a Temporal workflow of which one execution runs at a time. */
export const MAINTENANCE_KINDS = ['gc', 'fsck', 'retention', 'reconcile'] as const;
export type MaintenanceKind = (typeof MAINTENANCE_KINDS)[number];

export interface GcRequest {
  /** How long something must have been unreachable before it is collected. */
  grace_seconds: number;
}

/** How many artifacts and blobs, and the bytes of the blobs. */
export interface GcAmount {
  artifacts: number;
  blobs: number;
  bytes: number;
}

export interface Marked {
  /** Newly found unreachable. */
  marked: Omit<GcAmount, 'bytes'>;
  /** Marked before, reachable again. */
  cleared: Omit<GcAmount, 'bytes'>;
}

export interface SweptObjects {
  deleted: number;
  /** Could not be deleted now; the next sweep tries again. */
  failed: number;
}

export interface GcReport extends Marked {
  grace_seconds: number;
  collected: GcAmount;
  objects: SweptObjects;
}

/** How far a check of all blobs has come; the whole of it when it has ended. */
export interface BlobsChecked {
  blobs: number;
  bytes: number;
}

export interface FsckReport {
  checked: BlobsChecked & { versions: number; objects: number };
  /** What was found, by kind; what exactly, the database has. */
  found: Readonly<Record<string, number>>;
}

export interface RetentionReport {
  runs: number;
  approvals: number;
  findings: number;
  /** What was heard of proposals. */
  frames: number;
}

/** What may be wrong between runs and Temporal. */
export const REPAIR_KINDS = [
  'ended_in_temporal',
  'execution_lost',
  'start_lost',
  'reset',
  'orphaned',
  'command_unanswered',
  'outbox_leftover',
  'unknown_execution',
] as const;
export type RepairKind = (typeof REPAIR_KINDS)[number];

/** One thing that was found wrong. */
export interface ReconcileFinding {
  kind: RepairKind;
  run_id: string;
  detail: string;
  repaired: boolean;
}

export interface ReconcileReport {
  /** Open runs that were held against Temporal. */
  checked: number;
  repaired: Partial<Record<RepairKind, number>>;
  /** The first of them; `repaired` counts them all. */
  findings: ReconcileFinding[];
}

/** The input of each kind of job. */
export interface MaintenanceRequests {
  gc: GcRequest;
  fsck: Record<string, never>;
  retention: Record<string, never>;
  reconcile: Record<string, never>;
}

/** The workflow type that carries out a kind. */
export const MAINTENANCE_WORKFLOWS = {
  gc: 'garbageCollection',
  fsck: 'fsck',
  retention: 'retention',
  reconcile: 'reconcile',
} as const satisfies Record<MaintenanceKind, keyof MaintenanceWorkflows>;

/** Temporal workflow types by name. `scheduledMaintenance` is what a schedule starts. */
export interface MaintenanceWorkflows {
  garbageCollection(request: GcRequest): Promise<GcReport>;
  fsck(): Promise<FsckReport>;
  retention(): Promise<RetentionReport>;
  reconcile(): Promise<ReconcileReport>;
  scheduledMaintenance(job: ScheduledJob): Promise<'done' | 'skipped'>;
}

/** What a schedule starts as a child: under the one id of its kind, so that no two run at a time. */
export interface ScheduledJob {
  kind: MaintenanceKind;
  workflow_id: string;
  request: JsonObject;
}

/** Each may be carried out again from where its last heartbeat was. */
export interface MaintenanceActivities {
  markUnreachable(): Promise<Marked>;
  collectUnreachable(request: GcRequest): Promise<GcAmount>;
  sweepObjects(): Promise<SweptObjects>;
  checkBlobs(request: { job_id: string }): Promise<BlobsChecked>;
  checkObjects(request: { job_id: string }): Promise<{ objects: number }>;
  checkVersions(request: { job_id: string }): Promise<{ versions: number }>;
  checkRelations(request: { job_id: string }): Promise<void>;
  countFindings(request: { job_id: string }): Promise<Readonly<Record<string, number>>>;
  expireRuns(): Promise<{ runs: number }>;
  expireNotes(): Promise<Omit<RetentionReport, 'runs'>>;
  reconcileRuns(): Promise<ReconcileReport>;
}
