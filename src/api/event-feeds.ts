import { AppError } from '../contract/errors.ts';
import type { LoggedEvent, LogPosition } from '../contract/events.ts';
import { isFinal, type RunState } from '../contract/run.ts';
import { compareLogPositions } from '../domain/rules/log-position.ts';
import type { EventTail } from '../domain/event-tail.ts';
import type { RunFeed } from '../domain/run-feed.ts';
import type { RunReads } from '../domain/run-reads.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { logPlace } from './schemas/conventions.ts';
import type { StreamFeed } from './stream-pump.ts';

const BATCH = 200;

/** The events of a run; the place is the number of the last one. It ends with the run. */
export function feedOfRun(
  { reads, feed }: { reads: Pick<RunReads, 'moreEvents'>; feed: RunFeed },
  run_id: string,
): StreamFeed<number> {
  return {
    subscribe: (onNews) => feed.follow(run_id, () => onNews()),
    async fetchAfter(seq) {
      const events = await reads.moreEvents(run_id, seq, BATCH);
      const items = events.map((event, index) => ({
        id: String(event.seq),
        event,
        // A run that was opened again has events after its end.
        is_last: isEnd(event.type) && index === events.length - 1,
      }));
      return { items, position: events.at(-1)?.seq ?? seq };
    },
  };
}

/** The events of all runs of a project, as the log has them. It has no end. */
export function feedOfProject(tail: EventTail, project_id: string): StreamFeed<LogPosition> {
  return {
    subscribe: (onNews) => tail.follow(onNews),
    async fetchAfter(from) {
      const { events, position } = await tail.after(project_id, from, BATCH);
      return { items: events.map(itemOf), position };
    },
  };
}

function itemOf({ tx, run_id, seq, type, time, data }: LoggedEvent) {
  return { id: encodeCursor({ tx, run_id, seq }), event: { run_id, seq, type, time, data }, is_last: false };
}

/** The place an id of a project's stream stands for; from now on without one. Throws `validation_failed`. */
export async function placeInLog(
  tail: EventTail,
  id: string | undefined,
  path: string,
): Promise<LogPosition> {
  const horizon = await tail.horizon();
  if (id === undefined) return horizon;
  const place = decoded(id);
  // What is not settled was never shown; a place after it is from before the database was restored.
  if (place && compareLogPositions(place, horizon) < 0) return place;
  throw new AppError('validation_failed', {
    errors: [{ path, message: 'is not the id of an event of this stream' }],
  });
}

function decoded(id: string): LogPosition | undefined {
  try {
    return decodeCursor(id, logPlace);
  } catch {
    return undefined;
  }
}

const isEnd = (type: string): boolean =>
  type.startsWith('run.') && isFinal(type.slice('run.'.length) as RunState);
