import { z } from 'zod';
import type { JsonObject } from '../../contract/json.ts';
import type { CONTROL_TYPES } from '../../contract/run.ts';
import type { CommandService, Expiry } from '../../domain/run-commands.ts';
import type { RunService } from '../../domain/runs.ts';
import type { TuneService } from '../../domain/tunes.ts';
import { viewCommand, viewRun } from '../../domain/run-views.ts';
import type { TunedOptions } from '../../contract/workflows.ts';
import { AppError } from '../../contract/errors.ts';
import { route, type Call, type Reply, type Route } from '../route.ts';
import { page, uuid } from '../schemas/conventions.ts';
import {
  commandBody,
  commandPayloads,
  commandView,
  controlBody,
  controlledRun,
  terminateBody,
  tuneBody,
} from '../schemas/run-commands.ts';
import { runParams } from '../schemas/runs.ts';

interface Deps {
  commands: CommandService;
  tunes: TuneService;
  runs: Pick<RunService, 'get'>;
  ids: () => string;
}

const group = 'runs';
const SUMMARIES = {
  pause: 'Stop dispatch; `paused` once nothing is in flight.',
  resume: 'Let a paused run go on.',
  cancel: 'End a run with clean-up.',
  terminate: 'End a run without compensation.',
} as const;

/** Control of a run: each call is a command, delivered as a Temporal signal and applied once. */
export function runCommandRoutes(deps: Deps): Route[] {
  const controls = (Object.keys(SUMMARIES) as (keyof typeof SUMMARIES)[]).map((type) =>
    controlRoute(type, deps),
  );
  return [...controls, cancelOfWorkflow(deps), tuneRoute(deps), issueRoute(deps), listRoute(deps)];
}

function controlRoute(type: keyof typeof SUMMARIES, deps: Deps): Route {
  const optional = type !== 'terminate';
  return route({
    method: 'post',
    path: `/runs/:id/${type}`,
    group,
    summary: SUMMARIES[type],
    params: runParams,
    body: optional ? controlBody.optional() : terminateBody,
    responses: CONTROLLED,
    handler: (call) => control(deps, type, call.params.id, call),
  });
}

/** The same where workflows are spoken of (contract §6, typed start). */
function cancelOfWorkflow(deps: Deps): Route {
  return route({
    method: 'post',
    path: '/workflows/:ref/cancel',
    group: 'workflows',
    summary: 'Cancel a run by its id.',
    params: z.strictObject({ ref: uuid }),
    body: controlBody.optional(),
    responses: CONTROLLED,
    handler: (call) => control(deps, 'cancel', call.params.ref, call),
  });
}

const CONTROLLED = {
  202: { description: 'Accepted; `command` says how far it is.', schema: controlledRun },
  200: { description: 'This command was accepted before.', schema: controlledRun },
};

type Control = Pick<Call<unknown, unknown, z.output<typeof controlBody> | undefined>, 'body' | 'project_id'> &
  Pick<Call<unknown, unknown, unknown>, 'principal' | 'once_id'>;

async function control(
  { commands, runs, ids }: Deps,
  type: keyof typeof SUMMARIES,
  run_id: string,
  { body, project_id, principal, once_id }: Control,
): Promise<Reply> {
  const { id = once_id ?? ids(), reason, expires_at, expires_in_seconds, ...payload } = body ?? {};
  const { command, accepted_now } = await commands.issue({
    project_id,
    run_id,
    id,
    type,
    payload,
    reason,
    actor: principal.id,
    expiry: expiryOf({ expires_at, expires_in_seconds }),
  });
  const run = await runs.get(project_id, run_id);
  return { status: accepted_now ? 202 : 200, body: { ...viewRun(run), command: viewCommand(command) } };
}

function tuneRoute({ tunes, runs, ids }: Deps): Route {
  return route({
    method: 'post',
    path: '/runs/:id/tune',
    group,
    summary: 'Change parameters of a run that goes on.',
    params: runParams,
    body: tuneBody,
    responses: {
      202: { description: 'Accepted; `command` says how far it is.', schema: controlledRun },
      200: { description: 'This command was accepted before.', schema: controlledRun },
    },
    async handler({ params: { id: run_id }, body, project_id, principal, once_id }) {
      const { id = once_id ?? ids(), reason } = body;
      const to = { project_id, run_id, id, reason, actor: principal.id, expiry: expiryOf(body) };
      const { command, accepted_now } = await tunes.tune({ ...to, ...tunedBy(body), at: '' });
      const run = await runs.get(project_id, run_id);
      return { status: accepted_now ? 202 : 200, body: { ...viewRun(run), command: viewCommand(command) } };
    },
  });
}

function issueRoute({ commands, tunes }: Deps): Route {
  return route({
    method: 'post',
    path: '/runs/:id/commands',
    group,
    summary: 'Issue a command with an id of your own.',
    params: runParams,
    body: commandBody,
    responses: {
      202: { description: 'Accepted.', schema: commandView },
      200: { description: 'The same command was accepted before.', schema: commandView },
    },
    async handler({ params, body, project_id, principal }) {
      const { id, type } = body;
      const { reason, payload } = checkPayload(type, body.payload as JsonObject);
      const expiry = expiryOf(body);
      const to = { project_id, run_id: params.id, id, reason, actor: principal.id, expiry };
      const { command, accepted_now } =
        type === 'tune'
          ? await tunes.tune({ ...to, ...tunedBy(payload), at: '/payload' })
          : await commands.issue({ ...to, type, payload });
      return { status: accepted_now ? 202 : 200, body: viewCommand(command) };
    },
  });
}

/** Both as their schema let them pass. */
function tunedBy({ params, nodes }: { params?: unknown; nodes?: unknown }) {
  return { params: params as JsonObject | undefined, nodes: nodes as TunedOptions | undefined };
}

/**
 * The payload of each type (contract §5): terminate needs a reason, tune its params, pause and resume take none. `at` is
 * where the command stands in what was sent.
 */
export function checkPayload(
  type: (typeof CONTROL_TYPES)[number],
  payload: JsonObject,
  at = '',
): { payload: JsonObject; reason?: string } {
  const parsed = commandPayloads[type].safeParse(payload);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      path: `${at}/payload/${issue.path.map(String).join('/')}`,
      message: issue.message,
    }));
    throw new AppError('validation_failed', { errors });
  }
  const { reason, ...rest } = parsed.data;
  return { payload: rest as JsonObject, reason };
}

/** Throws `validation_failed` when both are given. */
export function expiryOf(
  given: { expires_at?: Date; expires_in_seconds?: number },
  at = '',
): Expiry | undefined {
  const { expires_at, expires_in_seconds } = given;
  if (expires_at !== undefined && expires_in_seconds !== undefined) {
    const errors = [{ path: `${at}/expires_in_seconds`, message: 'give it or expires_at, not both' }];
    throw new AppError('validation_failed', { errors });
  }
  if (expires_at !== undefined) return { at: expires_at };
  return expires_in_seconds === undefined ? undefined : { in_seconds: expires_in_seconds };
}

function listRoute({ commands }: Deps): Route {
  return route({
    method: 'get',
    path: '/runs/:id/commands',
    group,
    summary: 'The commands of a run, oldest first.',
    params: runParams,
    responses: { 200: { description: 'All of them.', schema: page(commandView) } },
    async handler({ params, project_id }) {
      const items = (await commands.list(project_id, params.id)).map(viewCommand);
      return { status: 200, body: { items, next_cursor: null } };
    },
  });
}
