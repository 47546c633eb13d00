import { z } from 'zod';
import type { RunMetricsService } from '../../domain/run-metrics.ts';
import { viewPoint } from '../../domain/run-views.ts';
import { decodeCursor, pageOf } from '../cursor.ts';
import { route, type Reply, type Route } from '../route.ts';
import { rowNumber, uuid } from '../schemas/conventions.ts';
import { runMetrics } from '../schemas/run-metrics.ts';
import { pageOnlyQuery, runParams } from '../schemas/runs.ts';

interface Deps {
  run_metrics: RunMetricsService;
}

const responses = {
  200: { description: 'The figures; and, of an external run, one page of its series.', schema: runMetrics },
};

/** How a run spends its time, and what its heartbeats said. */
export const runMetricsRoutes = ({ run_metrics }: Deps): Route[] => {
  async function reply(
    project_id: string,
    run_id: string,
    query: z.output<typeof pageOnlyQuery>,
  ): Promise<Reply> {
    const { limit, cursor } = query;
    const after = decodeCursor(cursor, { beat: rowNumber })?.beat ?? 0;
    const { figures, points } = await run_metrics(project_id, run_id, after, limit + 1);
    return {
      status: 200,
      body: { ...pageOf(points.map(viewPoint), limit, ({ beat }) => ({ beat })), figures },
    };
  }

  return [
    route({
      method: 'get',
      path: '/runs/:id/metrics',
      group: 'runs',
      summary:
        'How a run spends its time; and what the heartbeats of an external one said, evenly spread, oldest first.',
      params: runParams,
      query: pageOnlyQuery,
      responses,
      handler: ({ params, query, project_id }) => reply(project_id, params.id, query),
    }),
    // The same where workflows are spoken of (contract §6, typed start).
    route({
      method: 'get',
      path: '/workflows/:ref/metrics',
      group: 'workflows',
      summary: 'Metrics of a run by its id.',
      params: z.strictObject({ ref: uuid }),
      query: pageOnlyQuery,
      responses,
      handler: ({ params, query, project_id }) => reply(project_id, params.ref, query),
    }),
  ];
};
