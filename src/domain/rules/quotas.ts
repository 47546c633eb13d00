import { AppError, type Problem } from '../../contract/errors.ts';
import type { ProjectSettings } from '../../contract/project-settings.ts';
import type { RunExtras } from '../../persistence/runs.ts';

/** How many runs there may be; null: any number. */
export interface Quota {
  open_runs: number | null;
  runs_per_day: number | null;
}

/** The quotas of a run that is to be: at least one of them is set. */
export interface Quotas {
  project_id: string;
  principal: string;
  of_project: Quota;
  of_principal: Quota;
}

/** Which of its quotas are used up; for those by day, in how many seconds there is room again. */
export interface UsedUp {
  project_open: boolean;
  principal_open: boolean;
  project_day_seconds: number | null;
  principal_day_seconds: number | null;
}

/** A run that somebody wants to start. */
export interface Wish {
  project_id: string;
  actor: string;
  more?: RunExtras;
}

/** Nobody asked: an hour's schedule, or a sender who signs. */
const NOT_PRINCIPALS = /^(schedule|hook):/;
const NONE: Quota = { open_runs: null, runs_per_day: null };
/** When a run will end nobody knows. */
const OPEN_RETRY_SECONDS = 10;

/**
 * What a run counts against: its project and whoever asked for it; a schedule and a sender who signs are no principals. A
 * child counts against nothing, because its parent did. Undefined when nothing is set.
 */
export function quotasOf(
  { project_id, actor: principal, more }: Wish,
  settings: Pick<ProjectSettings, 'max_open_runs' | 'max_runs_per_day'>,
  per_principal: Quota,
): Quotas | undefined {
  if (isChild(more)) return undefined;
  const of_project = { open_runs: settings.max_open_runs, runs_per_day: settings.max_runs_per_day };
  const of_principal = NOT_PRINCIPALS.test(principal) ? NONE : per_principal;
  if (!isSet(of_project) && !isSet(of_principal)) return undefined;
  return { project_id, principal, of_project, of_principal };
}

export const isChild = (more: RunExtras | undefined): boolean => more?.parent_run_id !== undefined;

const isSet = ({ open_runs, runs_per_day }: Quota): boolean => open_runs !== null || runs_per_day !== null;

/** What must be held so that nobody else starts a run against the same quota meanwhile. */
export function quotaLocks({ project_id, principal, of_project, of_principal }: Quotas): string[] {
  return [
    ...(isSet(of_project) ? [JSON.stringify(['quota', 'project', project_id])] : []),
    ...(isSet(of_principal) ? [JSON.stringify(['quota', 'principal', principal])] : []),
  ];
}

/** Throws `quota_exceeded`, which names every quota that is used up. */
export function refuseOverQuota({ of_project, of_principal }: Quotas, used: UsedUp): void {
  const errors: Problem[] = [];
  const waits: number[] = [];
  const open = (whose: string, { open_runs }: Quota) => {
    errors.push({ path: `/${whose}/open_runs`, message: `${open_runs} may be open at once, and are` });
    waits.push(OPEN_RETRY_SECONDS);
  };
  const day = (whose: string, { runs_per_day }: Quota, seconds: number) => {
    errors.push({
      path: `/${whose}/runs_per_day`,
      message: `${runs_per_day} may be started in 24 hours, and were`,
    });
    waits.push(seconds);
  };
  if (used.project_open) open('project', of_project);
  if (used.project_day_seconds !== null) day('project', of_project, used.project_day_seconds);
  if (used.principal_open) open('principal', of_principal);
  if (used.principal_day_seconds !== null) day('principal', of_principal, used.principal_day_seconds);
  if (errors.length > 0)
    throw new AppError('quota_exceeded', { errors, retry_after_seconds: Math.max(...waits) });
}
