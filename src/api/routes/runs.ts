import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { RUN_STATES, type RunState } from '../../contract/run.ts';
import type { RunService } from '../../domain/runs.ts';
import { viewRun } from '../../domain/run-views.ts';
import { decodeCursor, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import { listRunsQuery, runParams, runView, startRunBody, waitQuery } from '../schemas/runs.ts';

type StartBody = z.output<typeof startRunBody>;
type ListQuery = z.output<typeof listRunsQuery>;

/** Starting and reading runs. */
export function runRoutes({ runs }: { runs: RunService }): Route[] {
  return [startRoute(runs), listRoute(runs), getRoute(runs), listOfWorkflowRoute(runs)];
}

function startRoute(runs: RunService): Route {
  return route({
    method: 'post',
    path: '/runs',
    group: 'runs',
    summary: 'Start a run: durable before it is answered.',
    body: startRunBody,
    responses: { 202: { description: 'Accepted.', schema: runView } },
    async handler({ body, project_id, principal }) {
      const workflow = workflowOf(body);
      const { params, labels = {}, priority } = body;
      const run = await runs.start({
        project_id,
        workflow,
        input: (body.input ?? {}) as Json,
        params: (params ?? {}) as JsonObject,
        labels,
        priority,
        actor: principal.id,
      });
      return { status: 202, body: viewRun(run), headers: { Location: `/api/v1/runs/${run.id}` } };
    },
  });
}

/** What this release can start: a definition on Temporal. The rest of the contract says 501, never nothing. */
function workflowOf(body: StartBody): string {
  const later =
    body.executor === 'external' || body.experiment_id !== undefined || body.version_id !== undefined;
  if (later || body.overrides !== undefined || (body.type !== undefined && body.type !== 'dag')) {
    throw new AppError('not_implemented', {
      detail: 'External runs, overrides and built-in types are not there yet.',
    });
  }
  if (body.workflow !== undefined) return body.workflow;
  throw new AppError('validation_failed', { errors: [{ path: '/workflow', message: 'is required' }] });
}

function listRoute(runs: RunService): Route {
  return route({
    method: 'get',
    path: '/runs',
    group: 'runs',
    summary: 'Runs, newest first.',
    query: listRunsQuery,
    responses: { 200: { description: 'One page.', schema: page(runView) } },
    handler: async ({ query, project_id }) => ({ status: 200, body: await listed(runs, project_id, query) }),
  });
}

function listOfWorkflowRoute(runs: RunService): Route {
  return route({
    method: 'get',
    path: '/workflows/:ref/runs',
    group: 'runs',
    summary: 'Runs of a workflow, newest first.',
    params: z.strictObject({ ref: z.string().min(1).max(300) }),
    query: listRunsQuery.omit({ workflow: true }),
    responses: { 200: { description: 'One page.', schema: page(runView) } },
    async handler({ params, query, project_id }) {
      const workflow = await runs.workflowNameOf(project_id, params.ref);
      return { status: 200, body: await listed(runs, project_id, { ...query, workflow }) };
    },
  });
}

async function listed(runs: RunService, project_id: string, query: ListQuery) {
  const { limit, workflow, type, health } = query;
  const after = decodeCursor(query.cursor, ['created_at', 'id']);
  const filter = {
    states: statesOf(query.status),
    workflow,
    type,
    health,
    labels: labelsOf(query.label),
    created_after: query.created_after === undefined ? undefined : new Date(query.created_after),
  };
  const position = after && { created_at: new Date(after.created_at), id: after.id };
  const rows = await runs.list(project_id, filter, limit + 1, position);
  const { items, next_cursor } = pageOf(rows, limit, (row) => ({
    created_at: row.created_at.toISOString(),
    id: row.id,
  }));
  return { items: items.map(viewRun), next_cursor };
}

function statesOf(status: string | undefined): RunState[] | undefined {
  if (status === undefined) return undefined;
  const states = status.split(',');
  const unknown = states.filter((state) => !(RUN_STATES as readonly string[]).includes(state));
  if (unknown.length > 0) throw invalidQuery('status', `unknown: ${unknown.join(', ')}`);
  return states as RunState[];
}

function labelsOf(label: string | string[] | undefined): Record<string, string> | undefined {
  if (label === undefined) return undefined;
  const pairs = [label].flat().map((text) => {
    const colon = text.indexOf(':');
    if (colon < 1) throw invalidQuery('label', 'must be key:value');
    return [text.slice(0, colon), text.slice(colon + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

function invalidQuery(name: string, message: string): AppError {
  return new AppError('validation_failed', { errors: [{ path: `/query/${name}`, message }] });
}

function getRoute(runs: RunService): Route {
  return route({
    method: 'get',
    path: '/runs/:id',
    group: 'runs',
    summary: 'A run; with `wait`, once it has ended or the time is up.',
    params: runParams,
    query: waitQuery,
    responses: { 200: { description: 'The run.', schema: runView } },
    async handler({ params, query, project_id, res }) {
      const { wait } = query;
      if (wait === undefined) return { status: 200, body: viewRun(await runs.get(project_id, params.id)) };
      const gone = new AbortController();
      res.once('close', () => gone.abort());
      const run = await runs.waitFor(project_id, params.id, { seconds: wait, signal: gone.signal });
      return { status: 200, body: viewRun(run) };
    },
  });
}
