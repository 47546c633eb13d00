import { AppError } from '../contract/errors.ts';
import type { Metrics } from '../contract/metrics.ts';
import { isFinal } from '../contract/run.ts';
import type { RunCache } from '../contract/run-cache.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import { viewRun, type RunView } from './run-views.ts';

interface Deps {
  runs: Pick<RunRepository, 'find'>;
  cache?: RunCache;
  metrics: Pick<Metrics, 'runCacheAsked'>;
  cache_seconds: number;
}

/** Runs as they are now. What has ended changes no more, so it may come from the cache; all else comes from the database. */
export interface RunStatus {
  /** Throws `not_found` for an unknown or foreign run. */
  view(project_id: string, id: string): Promise<RunView>;
  /** A run that goes on after all, because an operator opened it again, leaves the cache. */
  onNews(news: { run_id: string; ended: boolean }): void;
  onGap(): void;
}

export function runStatus({ runs, cache, metrics, cache_seconds }: Deps): RunStatus {
  async function fromDatabase(project_id: string, id: string): Promise<RunRow> {
    const row = await runs.find(project_id, id);
    if (!row) throw new AppError('not_found');
    return row;
  }

  async function keep(near: RunCache, row: RunRow, generation: string): Promise<void> {
    const entry = { text: JSON.stringify(viewRun(row)), generation, seconds: cache_seconds };
    await near.write(row.id, entry);
    // It may have been opened again since it was read; from now on, news of that removes the entry.
    const now = await runs.find(row.project_id, row.id);
    if (now?.last_event_seq !== row.last_event_seq || now.epoch !== row.epoch) near.forget(row.id);
  }

  async function cached(near: RunCache, project_id: string, id: string): Promise<RunView> {
    const found = await near.read(id).catch(() => undefined);
    const view = found?.text === undefined ? undefined : (JSON.parse(found.text) as RunView);
    // Of another project: as if it were not there, which the database says best.
    const is_hit = view?.project_id === project_id;
    metrics.runCacheAsked(is_hit ? 'hit' : found ? 'miss' : 'away');
    if (is_hit) return view;
    const row = await fromDatabase(project_id, id);
    if (found && isFinal(row.state)) void keep(near, row, found.generation).catch(() => near.forget(id));
    return viewRun(row);
  }

  return {
    view: async (project_id, id) =>
      cache ? cached(cache, project_id, id) : viewRun(await fromDatabase(project_id, id)),
    onNews({ run_id, ended }) {
      if (!ended) cache?.forget(run_id);
    },
    onGap: () => cache?.forgetAll(),
  };
}
