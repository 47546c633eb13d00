import { AppError } from '../contract/errors.ts';
import type { HeartbeatRepository, MetricPoint } from '../persistence/heartbeats.ts';
import type { RunFigures } from '../persistence/run-figures.ts';
import type { RunRepository } from '../persistence/runs.ts';

interface Deps {
  runs: Pick<RunRepository, 'find'>;
  heartbeats: Pick<HeartbeatRepository, 'series'>;
  figuresOf: (run_id: string) => Promise<RunFigures | undefined>;
}

export interface RunMetrics {
  figures: RunFigures;
  /** What the heartbeats of an external run said over time, oldest first. */
  points: MetricPoint[];
}

/** What is known of how a run goes. Throws `not_found` for an unknown or foreign run. */
export const runMetricsService =
  ({ runs, heartbeats, figuresOf }: Deps) =>
  /** The figures as they are now, and `limit` points of the series from `after` on. */
  async (project_id: string, run_id: string, after: number, limit: number): Promise<RunMetrics> => {
    const run = await runs.find(project_id, run_id);
    const figures = run && (await figuresOf(run_id));
    if (!figures) throw new AppError('not_found');
    const points = run.executor === 'external' ? await heartbeats.series(run_id, after, limit) : [];
    return { figures, points };
  };

export type RunMetricsService = ReturnType<typeof runMetricsService>;
