import type { Db } from './db.ts';
import { SETTLED_BELOW } from './event-log.ts';
import { runOne, statement } from './statement.ts';

export const WEBHOOK_SINK = 'webhooks';

export interface FanOut {
  /** Events that were looked at. */
  read: number;
  /** Deliveries they made. */
  made: number;
  /** Webhooks there are. */
  webhooks: number;
}

export interface ReplayFrom {
  webhook_id: string;
  run_id: string;
  seq: number;
}

/** Turns events into deliveries; place in the log and deliveries change together, so none is made twice or forgotten. */
export function webhookFanOutRepository(db: Db) {
  return {
    /** The next events. One statement, whichever process sends it; while another one does, nothing. */
    async advance(limit: number): Promise<FanOut> {
      return (await runOne(db, ADVANCE, [limit]))!;
    },

    /** Makes deliveries of everything from an event on, again; undefined when the project has no such event. */
    async replay({ webhook_id, run_id, seq }: ReplayFrom): Promise<number | undefined> {
      const { found, made } = (await runOne(db, REPLAY, [webhook_id, run_id, seq]))!;
      return found ? made : undefined;
    },
  };
}

export type WebhookFanOutRepository = ReturnType<typeof webhookFanOutRepository>;

const WANTED = (hook: string, type: string) => `EXISTS (SELECT FROM unnest(${hook}.events) AS wanted
    WHERE wanted IN ('*', ${type}) OR (right(wanted, 2) = '.*' AND starts_with(${type}, left(wanted, -1))))`;

// Without webhooks the sink stays where it is; the first one says from where on anything is wanted at all.
const ADVANCE = statement<FanOut>(
  'webhook_fan_out',
  `WITH sink AS MATERIALIZED (
    SELECT tx, run_id, seq FROM event_sink WHERE name = '${WEBHOOK_SINK}' FOR UPDATE SKIP LOCKED
  ), hook AS MATERIALIZED (
    SELECT id, project_id, events, since_tx FROM webhook WHERE enabled
  ), batch AS MATERIALIZED (
    SELECT e.tx, e.run_id, e.seq, e.type, r.project_id
    FROM sink s CROSS JOIN LATERAL (
      SELECT * FROM run_event
      WHERE (tx, run_id, seq) > (s.tx, s.run_id, s.seq) AND tx < ${SETTLED_BELOW} AND tx >= (SELECT min(since_tx) FROM hook)
      ORDER BY tx, run_id, seq LIMIT $1
    ) e JOIN run r ON r.id = e.run_id
  ), made AS (
    INSERT INTO webhook_delivery (webhook_id, run_id, seq, tx)
    SELECT h.id, b.run_id, b.seq, b.tx
    FROM batch b JOIN hook h ON h.project_id = b.project_id AND b.tx >= h.since_tx AND ${WANTED('h', 'b.type')}
    ON CONFLICT DO NOTHING RETURNING 1
  ), last AS (
    SELECT tx, run_id, seq FROM batch ORDER BY tx DESC, run_id DESC, seq DESC LIMIT 1
  ), moved AS (
    UPDATE event_sink k SET tx = last.tx, run_id = last.run_id, seq = last.seq, updated_at = now()
    FROM last WHERE k.name = '${WEBHOOK_SINK}'
  )
  SELECT (SELECT count(*) FROM batch)::integer AS read, (SELECT count(*) FROM made)::integer AS made,
    (SELECT count(*) FROM hook)::integer AS webhooks`,
);

const REPLAY = statement<{ found: boolean; made: number }>(
  'webhook_replay',
  `WITH hook AS MATERIALIZED (
    SELECT id, project_id, events FROM webhook WHERE id = $1
  ), start AS MATERIALIZED (
    SELECT e.tx, e.run_id, e.seq FROM hook h JOIN run r ON r.project_id = h.project_id JOIN run_event e ON e.run_id = r.id
    WHERE e.run_id = $2 AND e.seq = $3
  ), made AS (
    INSERT INTO webhook_delivery AS d (webhook_id, run_id, seq, tx)
    SELECT h.id, e.run_id, e.seq, e.tx
    FROM hook h CROSS JOIN start s
      JOIN run_event e ON (e.tx, e.run_id, e.seq) >= (s.tx, s.run_id, s.seq) AND e.tx < ${SETTLED_BELOW}
      JOIN run r ON r.id = e.run_id AND r.project_id = h.project_id
    WHERE ${WANTED('h', 'e.type')}
    ON CONFLICT (webhook_id, run_id, seq) DO UPDATE
      SET state = 'pending', attempts = 0, next_attempt_at = clock_timestamp(), settled_at = NULL
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM start) AS found, (SELECT count(*) FROM made)::integer AS made`,
);
