import type { RunReads } from '../../domain/run-reads.ts';
import { decodeCursor, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowNumber } from '../schemas/conventions.ts';
import {
  eventsQuery,
  eventView,
  pageOnlyQuery,
  runParams,
  snapshotView,
  stepPlace,
  stepView,
} from '../schemas/runs.ts';

interface Deps {
  reads: RunReads;
}

const group = 'runs';

/** What belongs to a run: steps, events, the snapshot. */
export function runReadRoutes(deps: Deps): Route[] {
  return [stepsRoute(deps), eventsRoute(deps), snapshotRoute(deps)];
}

function stepsRoute({ reads }: Deps): Route {
  return route({
    method: 'get',
    path: '/runs/:id/steps',
    group,
    summary: 'The steps of a run, in the order they began.',
    params: runParams,
    query: pageOnlyQuery,
    responses: { 200: { description: 'One page.', schema: page(stepView) } },
    async handler({ params, query: { limit, cursor }, project_id }) {
      const rows = await reads.steps(project_id, params.id, limit + 1, decodeCursor(cursor, stepPlace));
      const positionOf = (step: (typeof rows)[number]) => ({
        started_at: step.started_at,
        node: step.node,
        item: step.item ?? -1,
        attempt: step.attempt,
      });
      return { status: 200, body: pageOf(rows, limit, positionOf) };
    },
  });
}

function eventsRoute({ reads }: Deps): Route {
  return route({
    method: 'get',
    path: '/runs/:id/events',
    group,
    summary: 'The public log of a run: `seq` starts at 1 and has no gaps.',
    params: runParams,
    query: eventsQuery,
    responses: { 200: { description: 'One page.', schema: page(eventView) } },
    async handler({ params, query: { limit, cursor, after = 0 }, project_id }) {
      const from = decodeCursor(cursor, { seq: rowNumber })?.seq ?? after;
      const rows = await reads.events(project_id, params.id, from, limit + 1);
      return { status: 200, body: pageOf(rows, limit, ({ seq }) => ({ seq })) };
    },
  });
}

function snapshotRoute({ reads }: Deps): Route {
  return route({
    method: 'get',
    path: '/runs/:id/snapshot',
    group,
    summary: 'What a run that has ended left: definition, step results and outcome, by hash.',
    params: runParams,
    responses: { 200: { description: 'The snapshot.', schema: snapshotView } },
    handler: async ({ params, project_id }) => ({
      status: 200,
      body: await reads.snapshot(project_id, params.id),
    }),
  });
}
