import type { LoggedEvent, LogPosition } from '../contract/events.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

type EventRow = Omit<LoggedEvent, 'time'> & { time: Date };

/**
 * The events of all runs in one order that can be followed without missing any: (tx, run_id, seq), which is the order of
 * `seq` within a run. Only settled events are read: those that nothing still under way can come before.
 */
export function eventLogRepository(db: Db) {
  return {
    /** The next settled events. */
    async after({ tx, run_id, seq }: LogPosition, limit: number): Promise<LoggedEvent[]> {
      return (await run(db, AFTER, [tx, run_id, seq, limit])).map(viewed);
    },

    /** The same of one project; all that is before `end` when it is given. */
    async afterIn(
      project_id: string,
      { tx, run_id, seq }: LogPosition,
      limit: number,
      end?: LogPosition,
    ): Promise<LoggedEvent[]> {
      const bound = [end?.tx ?? null, end?.run_id ?? null, end?.seq ?? null];
      return (await run(db, AFTER_IN, [tx, run_id, seq, limit, project_id, ...bound])).map(viewed);
    },

    /** The place after everything that is settled now. */
    async horizon(): Promise<LogPosition> {
      const { tx } = (await runOne(db, HORIZON, []))!;
      return { tx, run_id: '00000000-0000-0000-0000-000000000000', seq: 0 };
    },

    /** Are there events that wait for a transaction still under way? Nothing announces when they are settled. */
    async hasUnsettled(): Promise<boolean> {
      return (await runOne(db, UNSETTLED, []))!.unsettled;
    },
  };
}

export type EventLogRepository = ReturnType<typeof eventLogRepository>;

/** The oldest transaction still under way: all before it are over. */
export const SETTLED_BELOW = 'pg_snapshot_xmin(pg_current_snapshot())';

const next = (filter: string) => `
  SELECT e.tx::text AS tx, e.run_id, e.seq, e.type, e.time, e.data, r.project_id
  FROM run_event e JOIN run r ON r.id = e.run_id
  WHERE (e.tx, e.run_id, e.seq) > ($1::xid8, $2::uuid, $3::integer) AND e.tx < ${SETTLED_BELOW}${filter}
  ORDER BY e.tx, e.run_id, e.seq LIMIT $4`;

const AFTER = statement<EventRow>('event_log_after', next(''));

const AFTER_IN = statement<EventRow>(
  'event_log_after_in',
  next(` AND r.project_id = $5
    AND ($6::xid8 IS NULL OR (e.tx, e.run_id, e.seq) <= ($6::xid8, $7::uuid, $8::integer))`),
);

const HORIZON = statement<{ tx: string }>('event_log_horizon', `SELECT ${SETTLED_BELOW}::text AS tx`);

const UNSETTLED = statement<{ unsettled: boolean }>(
  'event_log_unsettled',
  `SELECT EXISTS (SELECT FROM run_event WHERE tx >= ${SETTLED_BELOW}) AS unsettled`,
);

const viewed = (row: EventRow): LoggedEvent => ({ ...row, time: row.time.toISOString() });
