import type { LogPosition } from '../contract/events.ts';
import type { Db } from './db.ts';
import { SETTLED_BELOW } from './event-log.ts';
import { run, runOne, statement } from './statement.ts';

/** The right to read the log for a sink, until somebody with a later fence has it. */
export interface SinkLease {
  name: string;
  fence: string;
  position: LogPosition;
  /** In a row, until now. */
  failures: number;
}

export const SINK_LEASE_SECONDS = 30;

/** How far each reader of the log has come, and which process reads for it. */
export function eventSinkRepository(db: Db) {
  return {
    /** A sink that is new begins with what happens from now on. */
    async ensure(name: string): Promise<void> {
      await run(db, ENSURE, [name]);
    },

    /** Takes the lease; undefined while another process has it, or the sink rests after a failure. */
    async claim(name: string): Promise<SinkLease | undefined> {
      const row = await runOne(db, CLAIM, [name, SINK_LEASE_SECONDS]);
      if (!row) return undefined;
      const { fence, failures, ...position } = row;
      return { name, fence, failures, position };
    },

    /** Everything up to `position` is with the far side. False when the lease was lost. */
    async advance({ name, fence }: SinkLease, { tx, run_id, seq }: LogPosition): Promise<boolean> {
      const values = [name, fence, tx, run_id, seq, SINK_LEASE_SECONDS];
      return (await run(db, ADVANCE, values)).length === 1;
    },

    /** Gives the lease back. */
    async release({ name, fence }: SinkLease): Promise<void> {
      await run(db, RELEASE, [name, fence]);
    },

    /** Keeps everybody from the sink for a while; its place in the log stays. */
    async rest({ name, fence }: SinkLease, seconds: number, error: string): Promise<void> {
      await run(db, REST, [name, fence, seconds, error]);
    },
  };
}

export type EventSinkRepository = ReturnType<typeof eventSinkRepository>;

const ENSURE = statement(
  'event_sink_ensure',
  `INSERT INTO event_sink (name, tx) VALUES ($1, ${SETTLED_BELOW}) ON CONFLICT DO NOTHING`,
);

const CLAIM = statement<{ fence: string; failures: number } & LogPosition>(
  'event_sink_claim',
  `UPDATE event_sink SET fence = fence + 1, leased_until = clock_timestamp() + make_interval(secs => $2)
   WHERE name = $1 AND leased_until <= clock_timestamp()
   RETURNING fence, failures, tx::text AS tx, run_id, seq`,
);

const ADVANCE = statement(
  'event_sink_advance',
  `UPDATE event_sink SET tx = $3::xid8, run_id = $4, seq = $5, failures = 0, last_error = NULL, updated_at = now(),
     leased_until = clock_timestamp() + make_interval(secs => $6)
   WHERE name = $1 AND fence = $2 RETURNING 1`,
);

const RELEASE = statement(
  'event_sink_release',
  `UPDATE event_sink SET leased_until = '-infinity' WHERE name = $1 AND fence = $2`,
);

const REST = statement(
  'event_sink_rest',
  `UPDATE event_sink SET failures = failures + 1, last_error = $4, updated_at = now(),
     leased_until = clock_timestamp() + make_interval(secs => $3)
   WHERE name = $1 AND fence = $2`,
);
