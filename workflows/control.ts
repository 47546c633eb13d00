import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import type { CommandOutcome } from '../src/contract/journal.ts';
import { COMMAND_SIGNAL, type CommandSignal } from '../src/contract/workflows.ts';

export const commandSignal = defineSignal<[CommandSignal]>(COMMAND_SIGNAL);

/** Who asks when Temporal's own cancel was used. */
const TEMPORAL = 'temporal';

/** How many command ids are remembered, and how many characters of them go into the next execution: far more than can be under way at once. */
const SEEN_LIMIT = 1_000;
const CARRIED_CHARS = 16 * 1024;

export interface StopRequest {
  as: 'terminated' | 'cancelled' | 'errored';
  actor: string;
  reason: string;
  /** Unset when Temporal itself was asked (Web UI, CLI). */
  command_id?: string;
}

/** What came of a command that is not about the course of the run itself. */
export type Reception = Pick<CommandOutcome, 'state' | 'reason' | 'tuned'>;
/** It is for something that what came before it has yet to begin. */
export const EARLY = Symbol('early');
export type CommandLog = (outcome: CommandOutcome & { type: CommandSignal['type'] }) => void;

/** What the outside wants of this run: commands as signals, each applied once, and Temporal's own cancel. */
export interface Control {
  /** A pause is wanted, whether or not the run is quiet yet. */
  isPausing(): boolean;
  stopRequest(): StopRequest | undefined;
  /** Commands came in that `apply` has not looked at. */
  hasNews(): boolean;
  /**
   * Looks at the commands in order of arrival; outcomes that are certain at once go to `log`. True when it stopped at one
   * that is early.
   */
  apply(log: CommandLog, receive: Receive): boolean;
  /** The run is quiet: the pause it was waiting for is acknowledged. */
  confirmPause(log: CommandLog): void;
  isCancelledByTemporal(): boolean;
  /** The run's own time is over. */
  timeOut(): void;
  snapshot(): { pause_requested: boolean; commands_seen: string[] };
}

export function createControl(carried?: { pause_requested: boolean; commands_seen: string[] }): Control {
  const seen = new Set(carried?.commands_seen);
  const inbox: CommandSignal[] = [];
  let pausing = carried?.pause_requested ?? false;
  let pending_pause: CommandSignal | undefined;
  let stop: StopRequest | undefined;
  let cancelled_by_temporal = false;

  setHandler(commandSignal, (command) => void inbox.push(command));
  // Temporal's own cancel must not tear the interpreter apart: it becomes a request like any other.
  CancellationScope.current().cancelRequested.catch(() => {
    cancelled_by_temporal = true;
    stop ??= { as: 'cancelled', actor: TEMPORAL, reason: 'Cancelled in Temporal.' };
  });

  /** False for one that is early: it is as if it had not come yet. */
  function applyOne(command: CommandSignal, log: CommandLog, receive: Receive): boolean {
    const { id, type } = command;
    if (seen.has(id)) return true;
    const answer = (state: CommandOutcome['state'], reason?: string) => log({ id, type, state, reason });
    if (Date.now() >= (command.expires_at_ms ?? Infinity)) answer('expired', 'It came too late.');
    else if (type === 'pause') pause(command, answer);
    else if (type === 'resume') resume(answer, log);
    else if (type === 'cancel' || type === 'terminate') halt(command, answer);
    else {
      const reception = receive(command);
      if (reception === EARLY) return false;
      log({ id, type, ...reception });
    }
    remember(seen, id);
    return true;
  }

  function pause(command: CommandSignal, answer: Answer): void {
    if (stop) return answer('rejected', 'The run is already ending.');
    if (pausing) return answer('rejected', 'The run is already paused or pausing.');
    pausing = true;
    pending_pause = command;
  }

  function resume(answer: Answer, log: CommandLog): void {
    if (!pausing) return answer('rejected', 'The run is not paused.');
    if (pending_pause)
      log({
        id: pending_pause.id,
        type: 'pause',
        state: 'superseded',
        reason: 'Resumed before it was quiet.',
      });
    pausing = false;
    pending_pause = undefined;
    answer('acknowledged');
  }

  function halt(command: CommandSignal, answer: Answer): void {
    const as = command.type === 'terminate' ? 'terminated' : 'cancelled';
    // Terminate outranks a cancel under way; nothing outranks terminate.
    if (stop && (stop.as === 'terminated' || (as === 'cancelled' && stop.actor !== TEMPORAL))) {
      return answer('rejected', 'The run is already ending.');
    }
    stop = {
      as,
      actor: command.actor,
      reason: command.reason ?? `${command.type} requested`,
      command_id: command.id,
    };
    answer('acknowledged');
  }

  return {
    isPausing: () => pausing && !stop,
    stopRequest: () => stop,
    hasNews: () => inbox.length > 0,
    apply(log, receive) {
      while (inbox[0] && applyOne(inbox[0], log, receive)) inbox.shift();
      return inbox.length > 0;
    },
    confirmPause(log) {
      if (pending_pause) log({ id: pending_pause.id, type: 'pause', state: 'acknowledged' });
      pending_pause = undefined;
    },
    isCancelledByTemporal: () => cancelled_by_temporal,
    timeOut() {
      stop ??= { as: 'errored', actor: 'engine', reason: 'timed_out' };
    },
    snapshot: () => ({ pause_requested: pausing, commands_seen: newest([...seen], CARRIED_CHARS) }),
  };
}

type Receive = (command: CommandSignal) => Reception | typeof EARLY;
type Answer = (state: CommandOutcome['state'], reason?: string) => void;

/** Of these texts, oldest first, the newest ones that have so many characters together. */
function newest(texts: readonly string[], chars: number): string[] {
  let room = chars;
  const from = texts.findLastIndex((text) => (room -= text.length) < 0) + 1;
  return texts.slice(from);
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id);
  const oldest = seen.values().next().value;
  if (seen.size > SEEN_LIMIT && oldest !== undefined) seen.delete(oldest);
}
