import type { FinalState } from './run.ts';
import type { DagInput } from './workflows.ts';

/** What a schedule hands to the execution it starts: only names, so that what it means is found out when it fires. */
export interface ScheduledRunInput {
  schedule_id: string;
  project_id: string;
  workflow: string;
  /** Set by continue-as-new: the run whose end is awaited. */
  awaiting?: string;
}

export type ScheduledRunResult = { run_id: string; state: FinalState } | { refused: string };

/** One firing of a schedule. */
export interface Firing extends Omit<ScheduledRunInput, 'awaiting'> {
  /** The one execution that carries it out: the id of the run is made of it. */
  action_id: string;
  /** RFC 3339. */
  scheduled_at: string;
}

/** What became of a firing. */
export type OpenedFiring =
  | { run_id: string; start: DagInput }
  /** The run is there and starts by itself, in its turn. */
  | { run_id: string; start: null }
  /** A code of the error catalogue: no run, and trying again would not help. */
  | { refused: string };

/** How many schedules were not as they should be, by what was wrong. */
export interface ScheduleReport {
  missing: number;
  changed: number;
  extra: number;
}

/** Temporal workflow types by name. */
export interface ScheduleWorkflows {
  /** What a schedule starts. It lasts as long as its run, so that Temporal's overlap policies speak of runs. */
  scheduledRun(input: ScheduledRunInput): Promise<ScheduledRunResult>;
  reconcileSchedules(): Promise<ScheduleReport>;
}

/** All are idempotent. */
export interface ScheduleActivities {
  openScheduledRun(firing: Firing): Promise<OpenedFiring>;
  /** Null while the run goes on. */
  endOfRun(request: { run_id: string }): Promise<FinalState | null>;
  cancelScheduledRun(request: { project_id: string; run_id: string; action_id: string }): Promise<void>;
  repairSchedules(): Promise<ScheduleReport>;
}
