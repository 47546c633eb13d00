import { AppError } from '../contract/errors.ts';
import type { Definition } from '../contract/definition.ts';
import type { Metrics } from '../contract/metrics.ts';
import { isFinal } from '../contract/run.ts';
import type { RunFilter, RunPosition } from '../persistence/run-filter.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { RefService } from './refs.ts';
import { isGated } from './rules/flow.ts';
import { SWEEP_AFTER_MS, type RunDispatch } from './run-dispatch.ts';
import type { RunFeed } from './run-feed.ts';
import { openOnce } from './run-once.ts';
import type { OpenRun, RunOpener } from './run-open.ts';

interface Deps {
  runs: RunRepository;
  open: RunOpener;
  refs: Pick<RefService, 'resolve'>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  dispatch: RunDispatch;
  feed: RunFeed;
  metrics: Pick<Metrics, 'runStarted'>;
  ids: () => string;
}

export function runService({ runs, open, refs, readDefinition, dispatch, feed, metrics, ids }: Deps) {
  async function get(project_id: string, id: string): Promise<RunRow> {
    const row = await runs.find(project_id, id);
    if (!row) throw new AppError('not_found');
    return row;
  }

  /** A run that waits for the heartbeats of a runtime: there is nothing to start. */
  async function startOutside(request: OpenRun): Promise<RunRow> {
    const run = await open(request, () => null);
    metrics.runStarted(run.type);
    return run;
  }

  /** Opens a run and sees to its start; answers another one when its start policy says so. Errors: as opening. */
  async function start(request: OpenRun): Promise<RunRow> {
    if (request.more?.executor === 'external') return startOutside(request);
    const outbox_id = ids();
    const run = await open(request, (now) => ({
      outbox_id,
      sweep_after: new Date(now.getTime() + SWEEP_AFTER_MS),
    }));
    if (!isGated(run)) dispatch.startSoon(run, outbox_id);
    if (run.id === (request.id ?? run.id)) metrics.runStarted(run.type);
    return run;
  }

  return {
    get,
    start,

    /** The same, unless the run with this id is there already: then that one. */
    async startOnce(request: OpenRun & { id: string }): Promise<RunRow> {
      return (await openOnce(runs, request.id, () => start(request))).run;
    },

    list: (project_id: string, filter: RunFilter, limit: number, after?: RunPosition) =>
      runs.list(project_id, filter, limit, after),

    /** The name of the workflow a reference leads to. Throws `not_found`. */
    async workflowNameOf(project_id: string, ref: string): Promise<string> {
      const { workflow, version_hash } = await refs.resolve(project_id, ref);
      return workflow ?? (await readDefinition(version_hash)).name;
    },

    /** The run once it has ended, or as it is after `seconds`, or when nobody waits any more. */
    async waitFor(
      project_id: string,
      id: string,
      { seconds, signal }: { seconds: number; signal: AbortSignal },
    ): Promise<RunRow> {
      const until = Date.now() + seconds * 1_000;
      let wake = () => {};
      // Only the end is worth another look at the row.
      const stop = feed.follow(id, (ended) => void (ended && wake()));
      const leave = () => wake();
      signal.addEventListener('abort', leave, { once: true });
      try {
        for (;;) {
          const woken = new Promise<void>((resolve) => (wake = resolve));
          const row = await get(project_id, id);
          const left = until - Date.now();
          if (isFinal(row.state) || left <= 0 || signal.aborted) return row;
          await Promise.race([woken, after(left)]);
        }
      } finally {
        stop();
        signal.removeEventListener('abort', leave);
      }
    },
  };
}

export type RunService = ReturnType<typeof runService>;

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
