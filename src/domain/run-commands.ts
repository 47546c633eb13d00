import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { isFinal, type CommandType } from '../contract/run.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { hashText } from '../language/content-hash.ts';
import type { CommandRepository, CommandRow } from '../persistence/commands.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
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
}

export interface CommandAnswer {
  command: CommandRow;
  /** False when this id was accepted before, with the same content. */
  accepted_now: boolean;
}

interface Deps {
  runs: RunRepository;
  commands: CommandRepository;
  dispatch: RunDispatch;
  ids: () => string;
  clock: () => Date;
}

export function commandService({ runs, commands, dispatch, ids, clock }: Deps) {
  async function requireRun(project_id: string, run_id: string): Promise<RunRow> {
    const run = await runs.find(project_id, run_id);
    if (!run) throw new AppError('not_found');
    return run;
  }

  /** Matters only to the two commands a pending pause changes. */
  async function isPausePending(run_id: string, type: CommandType): Promise<boolean> {
    return (type === 'pause' || type === 'resume') && commands.isPausePending(run_id);
  }

  return {
    /**
     * Accepts a command for a run: durable before it is answered, delivered as a signal that carries its id. One
     * statement, two for pause and resume. Errors: `not_found`, `run_final`, `state_conflict`, `command_conflict`.
     */
    async issue(request: CommandRequest): Promise<CommandAnswer> {
      const { project_id, run_id, id, type, payload, reason, actor } = request;
      const payload_hash = hashText(canonicalJson({ type, payload, reason: reason ?? null }));
      const outbox_id = ids();
      const accepted = await commands.insert({
        project_id,
        run_id,
        id,
        type,
        payload,
        payload_hash,
        issued_by: actor,
        reason: reason ?? null,
        outbox_id,
        accepted_in: acceptedIn(type, await isPausePending(run_id, type)),
        sweep_after: new Date(clock().getTime() + SWEEP_AFTER_MS),
      });
      if (!accepted) return { command: await earlier(request, payload_hash), accepted_now: false };
      dispatch.deliverSoon({ id: outbox_id, run_id, kind: 'command', command_id: id });
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
