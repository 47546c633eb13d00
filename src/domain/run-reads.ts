import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { RunEventRepository } from '../persistence/run-events.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { StepPosition, StepRepository } from '../persistence/steps.ts';
import { viewEvent, viewStep } from './run-views.ts';

interface Deps {
  runs: Pick<RunRepository, 'find' | 'snapshotBlob'>;
  steps: Pick<StepRepository, 'list'>;
  events: RunEventRepository;
  readBlob: (project_id: string, cas_id: string) => Promise<Buffer>;
}

/** What belongs to a run: its steps, its events, its snapshot. All throw `not_found` for an unknown or foreign run. */
export function runReads({ runs, steps, events, readBlob }: Deps) {
  async function requireRun(project_id: string, id: string): Promise<RunRow> {
    const run = await runs.find(project_id, id);
    if (!run) throw new AppError('not_found');
    return run;
  }

  return {
    async steps(project_id: string, id: string, limit: number, after?: StepPosition) {
      await requireRun(project_id, id);
      return (await steps.list(id, limit, after)).map(viewStep);
    },

    async events(project_id: string, id: string, after_seq: number, limit: number) {
      await requireRun(project_id, id);
      return (await events.after(id, after_seq, limit)).map(viewEvent);
    },

    /** The same for a run the caller has asked for before. */
    async moreEvents(id: string, after_seq: number, limit: number) {
      return (await events.after(id, after_seq, limit)).map(viewEvent);
    },

    /** The `run_snapshot` of a run that has ended. */
    async snapshot(project_id: string, id: string) {
      const run = await requireRun(project_id, id);
      if (!run.snapshot_id) throw new AppError('state_conflict', { detail: 'The run has not ended yet.' });
      const bytes = await readBlob(project_id, await runs.snapshotBlob(run.snapshot_id));
      return { artifact_id: run.snapshot_id, snapshot: JSON.parse(bytes.toString('utf8')) as JsonObject };
    },
  };
}

export type RunReads = ReturnType<typeof runReads>;
