import type { LoggedEvent, LogPosition } from '../contract/events.ts';
import type { EventLogRepository } from '../persistence/event-log.ts';
import { compareLogPositions } from './rules/log-position.ts';
import { repeat, type Repeated } from './repeat.ts';

interface Deps {
  log: Pick<EventLogRepository, 'after' | 'afterIn' | 'horizon' | 'hasUnsettled'>;
  onError: (error: unknown) => void;
  /** How many of the newest events are held at least, once there were as many. */
  window?: number;
}

export interface TailBatch {
  events: LoggedEvent[];
  /** Where to go on: it may be far after the last event, when what came between was of other projects. */
  position: LogPosition;
}

/** The end of the log of all runs, read once for everybody of this process who follows a project. */
export interface EventTail {
  /** `wake` is called when there are new events, of whatever project. Returns how to stop. */
  follow(wake: () => void): () => void;
  /** There is news of runs. */
  onNews(): void;
  /** The next events of a project: from memory near the end, otherwise from the database. */
  after(project_id: string, position: LogPosition, limit: number): Promise<TailBatch>;
  /** The place after everything that is settled now. */
  horizon(): Promise<LogPosition>;
}

/** What is held while there are followers: all events after `start`, as far as they were read. */
interface Held {
  start: LogPosition | undefined;
  events: LoggedEvent[];
  reading: Repeated | undefined;
}

const BATCH = 500;
const REST_MS = 20;
const IDLE_MS = 1_000;

export function eventTail({ log, onError, window = 1_000 }: Deps): EventTail {
  const followers = new Set<() => void>();
  let held: Held = { start: undefined, events: [], reading: undefined };

  async function read(into: Held, signal: AbortSignal): Promise<boolean> {
    into.start ??= await log.horizon();
    for (let full = true; full && !signal.aborted;) {
      const events = await log.after(into.events.at(-1) ?? into.start, BATCH);
      full = events.length === BATCH;
      into.events.push(...events);
      trim(into);
      if (events.length > 0) for (const wake of followers) wake();
    }
    return log.hasUnsettled();
  }

  /** By halves: to drop one at every event would move all the others each time. */
  function trim(all: Held): void {
    if (all.events.length <= 2 * window) return;
    all.start = all.events.at(-window - 1);
    all.events = all.events.slice(-window);
  }

  function begin(): void {
    const mine: Held = { start: undefined, events: [], reading: undefined };
    const turn = (signal: AbortSignal) => read(mine, signal);
    mine.reading = repeat({ turn, rest_ms: REST_MS, idle_ms: IDLE_MS, onError });
    held = mine;
  }

  function fromMemory({ events }: Held, project_id: string, from: LogPosition, limit: number): TailBatch {
    const found: LoggedEvent[] = [];
    for (let i = indexAfter(events, from); i < events.length; i++) {
      const event = events[i]!;
      if (event.project_id !== project_id) continue;
      found.push(event);
      if (found.length === limit) return { events: found, position: event };
    }
    return { events: found, position: latest(events.at(-1), from) };
  }

  return {
    follow(wake) {
      if (followers.size === 0) begin();
      followers.add(wake);
      return () => {
        if (!followers.delete(wake) || followers.size > 0) return;
        void held.reading?.stop();
        held = { start: undefined, events: [], reading: undefined };
      };
    },
    onNews: () => held.reading?.ring(),
    async after(project_id, position, limit) {
      const { start, events } = held;
      if (start && compareLogPositions(position, start) >= 0)
        return fromMemory(held, project_id, position, limit);
      const end = events.at(-1) ?? start;
      const found = await log.afterIn(project_id, position, limit, end);
      if (found.length === limit) return { events: found, position: found.at(-1)! };
      return { events: found, position: latest(found.at(-1), latest(end, position)) };
    },
    horizon: () => log.horizon(),
  };
}

/** Of the first one that comes after a place. */
function indexAfter(events: readonly LoggedEvent[], place: LogPosition): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareLogPositions(events[middle]!, place) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function latest(one: LogPosition | undefined, other: LogPosition): LogPosition {
  return one && compareLogPositions(one, other) > 0 ? one : other;
}
