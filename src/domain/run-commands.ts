import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { CONTROL_TYPES, isFinal, type CommandType } from '../contract/run.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { hashText } from '../language/content-hash.ts';
import type { CommandRepository, CommandRow, Expiry, NewCommand } from '../persistence/commands.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { ExternalCommandService } from './external-commands.ts';
import { acceptedIn } from './rules/run-command.ts';
import { SWEEP_AFTER_MS, type RunDispatch } from './run-dispatch.ts';

export interface CommandRequest {
  project_id: string;
  run_id: string;
  /** Chosen by the caller: the same id and content is the same command. */
  id: string;
  type: CommandType;
  payload: JsonObject;
  reason?: string;
  actor: string;
  /** Not applied after this. Control has a limit of its own when it says nothing; events and decisions have none. */
  expiry?: Expiry;
}

export type { Expiry } from '../persistence/commands.ts';

export interface CommandAnswer {
  command: CommandRow;
  /** False when this id was accepted before, with the same content. */
  accepted_now: boolean;
}

interface Deps {
  runs: RunRepository;
  commands: CommandRepository;
  /** Left out where only runs of Temporal are commanded. */
  external?: Pick<ExternalCommandService, 'stopIdle'>;
  dispatch: RunDispatch;
  /** How long control that says nothing about it may go undelivered; 0 is for ever. */
  expire_after_seconds: number;
  ids: () => string;
  clock: () => Date;
}

export function commandService(deps: Deps) {
  const { runs, commands, external, dispatch, ids, clock } = deps;

  async function requireRun(project_id: string, run_id: string): Promise<RunRow> {
    const run = await runs.find(project_id, run_id);
    if (!run) throw new AppError('not_found');
    return run;
  }

  /** Matters only to the two commands a pending pause changes. */
  async function isPausePending(run_id: string, type: CommandType): Promise<boolean> {
    return (type === 'pause' || type === 'resume') && commands.isPausePending(run_id);
  }

  function expiryOf({ type, expiry }: CommandRequest): Expiry | undefined {
    const is_control = (CONTROL_TYPES as readonly string[]).includes(type);
    if (expiry || !is_control || deps.expire_after_seconds === 0) return expiry;
    return { in_seconds: deps.expire_after_seconds };
  }

  /** Durable, and on its way; undefined when it was not accepted. */
  async function accept(command: NewCommand): Promise<CommandRow | undefined> {
    const { project_id, run_id, id, type, outbox_id } = command;
    const ends = external && (type === 'cancel' || type === 'terminate');
    const run = ends ? await runs.find(project_id, run_id) : undefined;
    if (external && run && isIdle(run)) return external.stopIdle(run, command);
    const accepted = await commands.insert(command);
    if (accepted?.executor === 'temporal')
      dispatch.deliverSoon({ id: outbox_id, run_id, kind: 'command', command_id: id });
    return accepted?.command;
  }

  return {
    /**
     * Accepts a command for a run: durable before it is answered, delivered as a signal that carries its id, or fetched
     * by the runtime of an external run. One statement, two for what a pause or the end of the run depends on. Errors:
     * `not_found`, `run_final`, `state_conflict`, `command_conflict`.
     */
    async issue(request: CommandRequest): Promise<CommandAnswer> {
      const { project_id, run_id, id, type, payload, reason, actor } = request;
      const payload_hash = hashText(canonicalJson({ type, payload, reason: reason ?? null }));
      const accepted = await accept({
        project_id,
        run_id,
        id,
        type,
        payload,
        payload_hash,
        issued_by: actor,
        reason: reason ?? null,
        outbox_id: ids(),
        accepted_in: acceptedIn(type, await isPausePending(run_id, type)),
        sweep_after: new Date(clock().getTime() + SWEEP_AFTER_MS),
        expiry: expiryOf(request),
      });
      if (!accepted) return { command: await earlier(request, payload_hash), accepted_now: false };
      return { command: accepted, accepted_now: true };
    },

    async list(project_id: string, run_id: string): Promise<CommandRow[]> {
      await requireRun(project_id, run_id);
      return commands.list(run_id);
    },
  };

  /** Why a command was not accepted: it was before, or the run does not allow it. */
  async function earlier(request: CommandRequest, payload_hash: string): Promise<CommandRow> {
    const run = await requireRun(request.project_id, request.run_id);
    const known = await commands.find(request.run_id, request.id);
    if (known && known.payload_hash === payload_hash) return known;
    if (known) throw new AppError('command_conflict');
    if (isFinal(run.state)) throw new AppError('run_final', { extra: { state: run.state } });
    throw new AppError('state_conflict', {
      detail: `A run that is ${run.state} cannot take ${request.type} now.`,
      extra: { state: run.state },
    });
  }
}

export type CommandService = ReturnType<typeof commandService>;

/** A run that waits for a runtime of which nothing was heard yet. */
const isIdle = ({ executor, state }: RunRow): boolean => executor === 'external' && state === 'queued';
