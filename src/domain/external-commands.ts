import type { Definition } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { isFinal, isUnanswered } from '../contract/run.ts';
import {
  commandRepository,
  type CommandRepository,
  type CommandRow,
  type NewCommand,
} from '../persistence/commands.ts';
import type { Db } from '../persistence/db.ts';
import { externalRunRepository, type ExternalRunRepository } from '../persistence/external-runs.ts';
import type { RunRow } from '../persistence/runs.ts';
import { runFinal, type ExternalRunService } from './external-runs.ts';
import { longPoll } from './long-poll.ts';
import { decideAck, type AckStatus } from './rules/command-ack.ts';
import { overrideProblems } from './rules/tune.ts';
import type { RunFeed } from './run-feed.ts';

export interface Ack {
  status: AckStatus;
  /** What the runtime has done; of a tune, the params it has set. */
  applied?: JsonObject;
  reason?: string;
  /** Shown by a runtime that wants to be told when another one has the command by now. */
  lease_token?: string;
}

interface Deps {
  db: Db;
  external: ExternalRunService;
  rows: ExternalRunRepository;
  commands: CommandRepository;
  feed: Pick<RunFeed, 'follow'>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  lease_seconds: number;
  ids: () => string;
}

interface Target {
  project_id: string;
  run_id: string;
}

const ATTEMPTS = 5;

/** Commands of runs that are carried out outside: fetched one after the other, and answered. */
export function externalCommandService(deps: Deps) {
  const { external, rows, commands, feed, lease_seconds, ids } = deps;

  /** What a tune leads to: what the runtime says it has set, otherwise what it was asked to set. */
  async function tunedParams(run: RunRow, command: CommandRow, applied?: JsonObject): Promise<JsonObject> {
    if (applied === undefined) return { ...run.params, ...(command.payload.params as JsonObject) };
    const { params_schema: schema } = await deps.readDefinition(run.version_hash ?? '');
    const errors = overrideProblems({ schema, current: run.params, changes: applied, at: '/applied' });
    if (errors.length > 0) throw new AppError('input_invalid', { errors });
    return { ...run.params, ...applied };
  }

  /** Applies an answer; false when the run or the command had moved on meanwhile. */
  async function answer(
    run: RunRow,
    command: CommandRow,
    { status, applied, reason }: Ack,
  ): Promise<boolean> {
    const { id, type, issued_by: actor } = command;
    const overtook_pause = type === 'resume' && (await commands.overtookPause(run.id, id));
    const decision = decideAck(status, { state: run.state, type, overtook_pause });
    const done = decision.command === 'acknowledged';
    const params = type === 'tune' && done ? await tunedParams(run, command, applied) : undefined;
    const why = done ? null : (decision.reason ?? reason ?? null);
    const answered = { id, type, state: decision.command, reason: why, applied: applied ?? null };
    const { to = run.state } = decision;
    const change = { to, actor, reason: command.reason, command: answered, params };
    return external.change(run, change, isFinal(to) ? { state: to, output: null, error: null } : undefined);
  }

  return {
    /**
     * The oldest command that waits for its answer, once there is one; undefined when the time is up. It stays with the
     * caller for the lease, and no later one is handed out before it is answered. Throws `not_found`, `run_final`,
     * `state_conflict`.
     */
    next({ project_id, run_id }: Target, wait: { seconds: number; signal: AbortSignal }) {
      const lease = { token: ids(), seconds: lease_seconds };
      const ask = async () => {
        const poll = await rows.poll(project_id, run_id, lease);
        if (!poll || poll.run_executor !== 'external' || isFinal(poll.run_state)) throw await refusal();
        return { found: poll.command, again_in_ms: poll.busy_ms ?? undefined };
      };
      const refusal = async () => runFinal(await external.findExternal(project_id, run_id));
      return longPoll(ask, (wake) => feed.follow(run_id, wake), wait);
    },

    /**
     * Answers a command. An answer after the first one changes nothing, and gets the first one's outcome. Throws
     * `not_found`, `state_conflict` for a command that was not delivered, `lease_lost`, `input_invalid`.
     */
    async ack({ project_id, run_id }: Target, command_id: string, ack: Ack): Promise<CommandRow> {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const run = await external.findExternal(project_id, run_id);
        const command = await commands.find(run_id, command_id);
        if (!command) throw new AppError('not_found');
        if (!isUnanswered(command)) return command;
        requireDelivered(command, ack.lease_token);
        // The next look finds the answer, this one or one that was faster.
        await answer(run, command, ack);
      }
      throw new AppError('overloaded', { cause: new Error('the state of the run keeps changing') });
    },

    /**
     * Accepts the end of a run that no runtime has been heard of, and carries it out at once; a runtime that comes first
     * gets the command instead. Undefined when the command cannot be accepted.
     */
    stopIdle(run: RunRow, command: NewCommand): Promise<CommandRow | undefined> {
      return deps.db.transaction(async (tx) => {
        const stored = commandRepository(tx);
        if (!(await stored.insert(command))) return undefined;
        const { id, type, issued_by: actor, reason } = command;
        const state = type === 'terminate' ? 'terminated' : 'cancelled';
        const answered = { id, type, state: 'acknowledged', reason: null, applied: null } as const;
        const change = { to: state, actor, reason, command: answered } as const;
        await external.change(run, change, { state, output: null, error: null }, externalRunRepository(tx));
        return stored.find(run.id, id);
      });
    },
  };
}

export type ExternalCommandService = ReturnType<typeof externalCommandService>;

function requireDelivered(command: CommandRow, lease_token: string | undefined): void {
  if (command.state === 'queued')
    throw new AppError('state_conflict', { detail: 'This command was not handed out yet.' });
  if (lease_token !== undefined && lease_token !== command.lease_token) throw new AppError('lease_lost');
}
