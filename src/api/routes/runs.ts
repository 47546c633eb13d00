import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { RUN_STATES, type RunState } from '../../contract/run.ts';
import type { ExperimentService } from '../../domain/experiments.ts';
import type { RunStatus } from '../../domain/run-status.ts';
import type { RunService } from '../../domain/runs.ts';
import { viewRun } from '../../domain/run-views.ts';
import { agePlaceAt, agePlaceOf, pageOf } from '../cursor.ts';
import { leaving } from '../leaving.ts';
import { route, type Route } from '../route.ts';
import { requireStarter } from './start-role.ts';
import { page } from '../schemas/conventions.ts';
import { listRunsQuery, runParams, runView, startRunBody, waitQuery } from '../schemas/runs.ts';

type StartBody = z.output<typeof startRunBody>;
type ListQuery = z.output<typeof listRunsQuery>;

interface Deps {
  runs: RunService;
  status: RunStatus;
  experiments: ExperimentService;
  ids: () => string;
  /** Aborted when the process is asked to stop. */
  shutdown: AbortSignal;
}

/** Starting and reading runs. */
export function runRoutes(deps: Deps): Route[] {
  const { runs } = deps;
  return [startRoute(deps), listRoute(runs), getRoute(deps), listOfWorkflowRoute(runs)];
}

function startRoute({ runs, experiments, ids }: Deps): Route {
  return route({
    method: 'post',
    path: '/runs',
    group: 'runs',
    summary: 'Start a run: durable before it is answered.',
    body: startRunBody,
    responses: {
      202: { description: 'Accepted.', schema: runView },
      200: { description: 'The open run with the same start id, by its start policy.', schema: runView },
    },
    async handler({ body, project_id, principal, once_id }) {
      requireStarter(principal, body.type ?? 'dag');
      const id = once_id ?? ids();
      const { params, overrides, labels = {}, priority, timeout_seconds } = body;
      const { more, ...started } = await startedRun(body, project_id, experiments);
      const run = await runs[once_id === undefined ? 'start' : 'startOnce']({
        id,
        project_id,
        ...started,
        more: { ...more, timeout_seconds },
        input: (body.input ?? {}) as Json,
        params: (params ?? {}) as JsonObject,
        overrides: overrides as JsonObject | undefined,
        labels,
        priority,
        actor: principal.id,
      });
      const status = run.id === id ? 202 : 200;
      return { status, body: viewRun(run), headers: { Location: `/api/v1/runs/${run.id}` } };
    },
  });
}

/** What is to be run: a workflow, a built-in type, or a version of an experiment. */
async function startedRun(body: StartBody, project_id: string, experiments: ExperimentService) {
  const { type = 'dag', workflow, experiment_id, version_id, executor } = body;
  if (type !== 'dag') {
    for (const [name, value] of Object.entries({ workflow, experiment_id, version_id }))
      if (value !== undefined) throw invalidBody(name, `cannot go with the type ${type}`);
    if (executor === 'external') throw invalidBody('executor', `cannot be external for the type ${type}`);
    return { workflow: null, type, more: { executor } };
  }
  if (experiment_id === undefined && version_id !== undefined)
    throw invalidBody('experiment_id', 'is required with version_id');
  if (experiment_id !== undefined && workflow !== undefined)
    throw invalidBody('experiment_id', 'cannot go with workflow');
  if (experiment_id === undefined) {
    if (workflow === undefined) throw invalidBody('workflow', 'is required');
    return { workflow, more: { executor } };
  }
  const { more, ...run } = await experiments.resolve({ project_id, experiment_id, version_id });
  return { ...run, more: { ...more, executor } };
}

const invalidBody = (name: string, message: string) =>
  new AppError('validation_failed', { errors: [{ path: `/${name}`, message }] });

function listRoute(runs: RunService): Route {
  return route({
    method: 'get',
    path: '/runs',
    group: 'runs',
    summary: 'Runs, newest first.',
    query: listRunsQuery,
    responses: { 200: { description: 'One page.', schema: page(runView) } },
    handler: async ({ query, project_id }) => ({
      status: 200,
      body: await listedRuns(runs, project_id, query),
    }),
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
      return { status: 200, body: await listedRuns(runs, project_id, { ...query, workflow }) };
    },
  });
}

/** One page of runs, as a list of them is asked for. */
export async function listedRuns(runs: RunService, project_id: string, query: ListQuery) {
  const { limit, workflow, type, health, parent_run_id } = query;
  const after = agePlaceAt(query.cursor);
  const filter = {
    states: statesOf(query.status),
    workflow,
    type,
    health,
    parent_run_id,
    labels: labelsOf(query.label),
    created_after: query.created_after,
  };
  const rows = await runs.list(project_id, filter, limit + 1, after);
  const { items, next_cursor } = pageOf(rows, limit, agePlaceOf);
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

function getRoute({ runs, status, shutdown }: Deps): Route {
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
      if (wait === undefined) return { status: 200, body: await status.view(project_id, params.id) };
      const signal = leaving(res, shutdown);
      const run = await runs.waitFor(project_id, params.id, { seconds: wait, signal });
      return { status: 200, body: viewRun(run) };
    },
  });
}
