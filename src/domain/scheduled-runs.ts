import { AppError, TEMPORAL_RETRYABLE } from '../contract/errors.ts';
import type { Definition } from '../contract/definition.ts';
import type { Metrics } from '../contract/metrics.ts';
import { isFinal, type FinalState } from '../contract/run.ts';
import type { Firing, OpenedFiring } from '../contract/schedules.ts';
import type { DagInput } from '../contract/workflows.ts';
import type { LiveTag } from '../persistence/live-tags.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { ScheduleRepository } from '../persistence/schedules.ts';
import type { CommandRequest, CommandService } from './run-commands.ts';
import { openOnce } from './run-once.ts';
import type { RunOpener } from './run-open.ts';
import { derivedId } from './rules/derived-id.ts';
import { isGated } from './rules/flow.ts';
import { inputOf, scheduleWithId } from './rules/schedule-plan.ts';

/** The execution that opened a run starts it; when that dies in between, the sweeper does after this time. */
const SWEEP_AFTER_MS = 30_000;
const PRIORITY = 3;

interface Deps {
  open: RunOpener;
  runs: Pick<RunRepository, 'findAny'>;
  schedules: Pick<ScheduleRepository, 'find' | 'openRuns' | 'noteFiring'>;
  commands: Pick<CommandService, 'issue'>;
  liveTag: (project_id: string, workflow: string) => Promise<LiveTag | undefined>;
  dagInputOf: (run: RunRow) => DagInput;
  metrics: Pick<Metrics, 'runStarted' | 'scheduleFired'>;
  ids: () => string;
  clock: () => Date;
  onRefused: (error: AppError, firing: Firing) => void;
}

export type ScheduledRuns = ReturnType<typeof scheduledRuns>;

/** Runs that schedules begin. Every function may be called again with the same argument. */
export function scheduledRuns(deps: Deps) {
  const { runs, schedules, metrics } = deps;

  /** The live tag is resolved now; whether the schedule is still one of its version's is found out with it. */
  async function begin(firing: Firing, id: string): Promise<RunRow> {
    const { project_id, workflow, schedule_id, scheduled_at } = firing;
    const live = await deps.liveTag(project_id, workflow);
    if (!live) throw new AppError('not_found', { detail: 'The workflow has no live tag any more.' });
    const more = { schedule_id, scheduled_at };
    const request = { project_id, workflow: live.tag, params: {}, labels: {}, priority: PRIORITY, id, more };
    const input = (definition: Definition) => inputOf(scheduled(definition, firing));
    return deps.open({ ...request, input, actor: actorOf(firing) }, (now) => ({
      outbox_id: deps.ids(),
      sweep_after: new Date(now.getTime() + SWEEP_AFTER_MS),
    }));
  }

  /**
   * Temporal ends the execution of the firing before, which gets no turn to end its run. Both look after they have opened
   * theirs, so that whatever the order, only the newest one goes on.
   */
  async function terminateOthers(firing: Firing): Promise<void> {
    const { project_id, schedule_id } = firing;
    const [newest, ...others] = await schedules.openRuns(schedule_id);
    for (const run_id of others) {
      const reason = `The schedule has begun run ${newest}.`;
      const command = { project_id, run_id, id: `overlap:${newest}`, type: 'terminate', reason } as const;
      await tell({ ...command, payload: {}, actor: actorOf(firing) });
    }
  }

  /** A run that is ending, or has ended, needs no telling. */
  async function tell(command: CommandRequest): Promise<void> {
    await deps.commands.issue(command).catch((error: unknown) => {
      if (!(error instanceof AppError && error.family === 'conflict')) throw error;
    });
  }

  async function opened(firing: Firing): Promise<OpenedFiring> {
    const id = derivedId('firing', firing.action_id);
    const { run, is_new } = await openOnce(runs, id, () => begin(firing, id));
    const schedule = await schedules.find(firing.schedule_id);
    if (schedule?.overlap === 'terminate_other') await terminateOthers(firing);
    await schedules.noteFiring(firing.schedule_id, null);
    if (is_new) {
      metrics.runStarted(run.type);
      metrics.scheduleFired('started');
    }
    // One with limits is started by its admission, in its turn; and a start policy may have answered another one.
    const is_ours_to_start = run.id === id && run.state === 'queued' && !isGated(run);
    return { run_id: run.id, start: is_ours_to_start ? deps.dagInputOf(run) : null };
  }

  return {
    /** Opens the run of a firing. What no repetition would mend is noted with the schedule, and answered. */
    async open(firing: Firing): Promise<OpenedFiring> {
      try {
        return await opened(firing);
      } catch (error) {
        if (!(error instanceof AppError) || TEMPORAL_RETRYABLE[error.family]) throw error;
        const { code, message } = error;
        const { schedule_id, scheduled_at } = firing;
        const at = deps.clock().toISOString();
        await schedules.noteFiring(schedule_id, { code, message, at, scheduled_at });
        metrics.scheduleFired('refused');
        deps.onRefused(error, firing);
        return { refused: code };
      }
    },

    /** Null while the run goes on; one that is gone has ended. */
    async endOf(run_id: string): Promise<FinalState | null> {
      const run = await runs.findAny(run_id);
      if (!run) return 'errored';
      return isFinal(run.state) ? run.state : null;
    },

    async cancel({
      project_id,
      run_id,
      action_id,
    }: Pick<Firing, 'project_id' | 'action_id'> & { run_id: string }) {
      const reason = 'Its schedule was told to cancel it.';
      const id = derivedId('cancel', action_id);
      await tell({ project_id, run_id, id, type: 'cancel', payload: {}, reason, actor: 'schedule' });
    },
  };
}

const actorOf = ({ schedule_id }: Firing) => `schedule:${schedule_id}`;

function scheduled(definition: Definition, { project_id, workflow, schedule_id }: Firing) {
  const schedule = scheduleWithId({ project_id, workflow }, definition, schedule_id);
  if (schedule) return schedule;
  throw new AppError('state_conflict', { detail: 'The live version has no such schedule any more.' });
}
