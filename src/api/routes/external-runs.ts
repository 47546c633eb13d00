import type { z } from 'zod';
import type { Json, JsonObject } from '../../contract/json.ts';
import { AppError } from '../../contract/errors.ts';
import type { ExternalCommandService } from '../../domain/external-commands.ts';
import type { Completion, ExternalRunService } from '../../domain/external-runs.ts';
import { viewCommand, viewHeartbeat, viewLeased, viewRun } from '../../domain/run-views.ts';
import { route, type Route } from '../route.ts';
import {
  ackBody,
  ackParams,
  completeBody,
  heartbeatBody,
  heartbeatView,
  leasedCommand,
  nextQuery,
} from '../schemas/external-runs.ts';
import { commandView } from '../schemas/run-commands.ts';
import { runParams, runView } from '../schemas/runs.ts';
import { leaving } from '../leaving.ts';

interface Deps {
  external: ExternalRunService;
  external_commands: ExternalCommandService;
  /** Aborted when the process is asked to stop. */
  shutdown: AbortSignal;
}

const group = 'external runs';

/** What the runtime of an external run calls, and what is heard of it. */
export function externalRunRoutes(deps: Deps): Route[] {
  return [heartbeatRoute(deps), latestRoute(deps), nextRoute(deps), ackRoute(deps), completeRoute(deps)];
}

function heartbeatRoute({ external }: Deps): Route {
  return route({
    method: 'post',
    path: '/runs/:id/heartbeat',
    group,
    summary: 'Report that an external run is alive, and how far it is; the first one makes it running.',
    params: runParams,
    body: heartbeatBody,
    body_limit: 'heartbeat_bytes',
    audited: false,
    responses: { 200: { description: 'Taken; times are the database’s.', schema: heartbeatView } },
    async handler({ params: { id }, body, project_id, principal }) {
      const { run_id, metrics = null, ...rest } = body;
      if (run_id !== id) throw new AppError('validation_failed', { errors: [OTHER_RUN] });
      const heartbeat = { ...rest, metrics: metrics as JsonObject | null };
      const taken = await external.heartbeat({ project_id, run_id, actor: principal.id }, heartbeat);
      return { status: 200, body: viewHeartbeat(id, taken) };
    },
  });
}

const OTHER_RUN = { path: '/run_id', message: 'is not the run in the address' };

function latestRoute({ external }: Deps): Route {
  return route({
    method: 'get',
    path: '/runs/:id/heartbeat',
    group,
    summary: 'The latest heartbeat of an external run.',
    params: runParams,
    responses: {
      200: { description: 'As it was taken.', schema: heartbeatView },
      409: { description: 'The run is none that a runtime carries out.' },
    },
    handler: async ({ params: { id }, project_id }) => ({
      status: 200,
      body: viewHeartbeat(id, await external.latest(project_id, id)),
    }),
  });
}

function nextRoute({ external_commands, shutdown }: Deps): Route {
  return route({
    method: 'get',
    path: '/runs/:id/commands/next',
    group,
    summary: 'Take the oldest command of an external run that waits for its answer.',
    params: runParams,
    query: nextQuery,
    // Whoever asks takes it away from the others.
    role: 'editor',
    responses: {
      200: { description: 'It is the caller’s until the lease ends.', schema: leasedCommand },
      204: { description: 'There is none.' },
      409: { description: 'The run is none that a runtime carries out.' },
    },
    async handler({ params, query, project_id, res }) {
      const wait = { seconds: query.wait, signal: leaving(res, shutdown) };
      const command = await external_commands.next({ project_id, run_id: params.id }, wait);
      return command ? { status: 200, body: viewLeased(command) } : { status: 204 };
    },
  });
}

function ackRoute({ external_commands }: Deps): Route {
  return route({
    method: 'post',
    path: '/runs/:id/commands/:cmd_id/ack',
    group,
    summary: 'Answer a command; only the first answer counts.',
    params: ackParams,
    body: ackBody,
    responses: { 200: { description: 'The command with its outcome.', schema: commandView } },
    async handler({ params: { id: run_id, cmd_id }, body, project_id }) {
      const ack = { ...body, applied: body.applied as JsonObject | undefined };
      return {
        status: 200,
        body: viewCommand(await external_commands.ack({ project_id, run_id }, cmd_id, ack)),
      };
    },
  });
}

function completeRoute({ external }: Deps): Route {
  return route({
    method: 'post',
    path: '/runs/:id/complete',
    group,
    summary: 'Say how an external run has ended; the same end may come again.',
    params: runParams,
    body: completeBody,
    responses: { 200: { description: 'The run, which has ended.', schema: runView } },
    async handler({ params: { id: run_id }, body, project_id, principal }) {
      const run = await external.complete({ project_id, run_id, actor: principal.id }, completionOf(body));
      return { status: 200, body: viewRun(run) };
    },
  });
}

/** A runtime that says no more than that it failed is still an error that can be shown. */
function completionOf(body: z.output<typeof completeBody>): Completion {
  const { state, output = null } = body;
  const unexplained = { code: state, message: 'The runtime did not say why.' };
  const error = body.state === 'completed' ? null : (body.error ?? unexplained);
  return { state, output: output as Json, error };
}
