import { setTimeout as pause } from 'node:timers/promises';
import type { ManagerHttp } from './http.ts';
import type { EventListener, EventSocket } from './socket.ts';
import { MAX_AGENTS, type AgentView } from './view.ts';
import type { ManagerEvent } from './wire.ts';

interface FollowerOptions {
  http: Pick<ManagerHttp, 'list'>;
  open: (listener: EventListener, signal: AbortSignal) => Promise<EventSocket>;
  view: AgentView;
  /** How often the list is read while there is no socket. */
  refresh_ms: number;
  now: () => number;
  /** 0 to 1. */
  random: () => number;
  onMalformed: () => void;
  /** Called when it cannot be asked any more, and when it can again. */
  onAway: (error: unknown) => void;
  onBack: () => void;
}

const LONGEST_PAUSE_MS = 60_000;

/** Keeps a view as the manager is, until the signal: by the events of its socket, and by its list where there is none. */
export async function followManager(options: FollowerOptions, signal: AbortSignal): Promise<void> {
  const { refresh_ms, random, onAway, onBack } = options;
  let failures = 0;
  const succeeded = () => {
    if (failures > 0) onBack();
    failures = 0;
  };
  const failed = (error: unknown) => {
    failures += 1;
    if (failures === 1 && !signal.aborted) onAway(error);
    return Math.min(refresh_ms * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  };

  while (!signal.aborted) {
    const longest_ms = await followOnce(options, signal, succeeded).catch(failed);
    await pause(longest_ms * (1 - random() / 2), undefined, { signal }).catch(() => undefined);
  }
}

/** Answers the longest pause before the next time. Rejects when the list cannot be had. */
async function followOnce(
  options: FollowerOptions,
  signal: AbortSignal,
  onListed: () => void,
): Promise<number> {
  const { refresh_ms, http, view, now } = options;
  const waiting = waitingRoom(options);
  const socket = await options.open(waiting, signal).catch(() => undefined);
  signal.throwIfAborted();
  try {
    const began_ms = now();
    view.replace(await http.list(signal), began_ms);
    const all_were_kept = waiting.letIn();
    onListed();
    if (!socket) return refresh_ms;
    if (all_were_kept) await socket.closed;
    return refresh_ms / 4;
  } finally {
    socket?.cut();
    await socket?.closed;
  }
}

/** Keeps what the socket says until the list is there, and lets it through from then on. */
function waitingRoom({ view, onMalformed }: FollowerOptions) {
  const waiting: ManagerEvent[] = [];
  let is_open = false;
  let is_full = false;
  return {
    onMalformed,
    onEvent(event: ManagerEvent): void {
      if (is_open) {
        view.apply(event);
        view.heard();
      } else if (waiting.length < MAX_AGENTS) waiting.push(event);
      else is_full = true;
    },
    /** False when some were not kept: the list has to be read again. */
    letIn(): boolean {
      is_open = true;
      waiting.forEach((event) => view.apply(event));
      return !is_full;
    },
  };
}
