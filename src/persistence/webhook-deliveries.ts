import type { LoggedEvent } from '../contract/events.ts';
import type { Db } from './db.ts';
import type { webhookDelivery } from './schema/events.ts';
import { run, runOne, statement } from './statement.ts';

export type DeliveryRow = typeof webhookDelivery.$inferSelect;
export type DeliveryState = DeliveryRow['state'];

/** A delivery to be tried now: no other process tries it while the lease lasts. */
export interface DueDelivery {
  attempts: number;
  /** Null when the run was deleted meanwhile. */
  event: LoggedEvent | null;
  webhook_id: string;
  run_id: string;
  seq: number;
}

export interface DueWebhook {
  id: string;
  url: string;
  secret: string;
}

export interface Verdict {
  state: DeliveryState;
  status: number | null;
  error: string | null;
  /** Until the next attempt, when it stays pending. */
  retry_seconds: number | null;
}

/** What is to be sent to webhooks, and what became of it. */
export function webhookDeliveryRepository(db: Db) {
  return {
    /** Webhooks that something is due for, the one that has waited longest first. */
    async due(limit: number): Promise<DueWebhook[]> {
      return run(db, DUE, [limit]);
    },

    /** Takes what is due for one webhook. A run's events go in order: none while an earlier one is pending. */
    async claim(webhook_id: string, limit: number, lease_seconds: number): Promise<DueDelivery[]> {
      const rows = await run(db, CLAIM, [webhook_id, limit, lease_seconds]);
      return rows.map(({ run_id, seq, attempts, event }) => ({ webhook_id, run_id, seq, attempts, event }));
    },

    /** Writes what an attempt came to; nothing when the delivery was taken over or begun anew since. */
    async settle({ webhook_id, run_id, seq, attempts }: DueDelivery, verdict: Verdict): Promise<void> {
      const { state, status, error, retry_seconds } = verdict;
      await run(db, SETTLE, [webhook_id, run_id, seq, attempts, state, status, error, retry_seconds]);
    },

    /** Sends dead letters once more; says how many there are. */
    async reviveDead(webhook_id: string): Promise<number> {
      return (await runOne(db, REVIVE, [webhook_id]))!.count;
    },

    /** As the log goes, the newest first. */
    async list(
      webhook_id: string,
      filter: { state?: DeliveryState; before?: Pick<DeliveryRow, 'tx' | 'run_id' | 'seq'> },
      limit: number,
    ): Promise<DeliveryRow[]> {
      const { state = null, before } = filter;
      const position = [before?.tx ?? null, before?.run_id ?? null, before?.seq ?? null];
      return run(db, LIST, [webhook_id, state, limit, ...position]);
    },

    /** Forgets what was delivered that long ago; says how much. */
    async forgetDelivered(older_than_days: number): Promise<number> {
      return (await runOne(db, FORGET, [older_than_days]))!.count;
    },
  };
}

export type WebhookDeliveryRepository = ReturnType<typeof webhookDeliveryRepository>;

const DUE = statement<DueWebhook>(
  'webhook_due',
  `SELECT w.id, w.url, w.secret FROM webhook w CROSS JOIN LATERAL (
     SELECT d.next_attempt_at FROM webhook_delivery d
     WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.next_attempt_at <= clock_timestamp()
     ORDER BY d.next_attempt_at LIMIT 1
   ) first
   WHERE w.enabled ORDER BY first.next_attempt_at LIMIT $1`,
);

const CLAIM = statement<{ run_id: string; seq: number; attempts: number; event: LoggedEvent | null }>(
  'webhook_delivery_claim',
  `WITH heads AS (
     SELECT d.webhook_id, d.run_id, d.seq FROM webhook_delivery d
     WHERE d.webhook_id = $1 AND d.state = 'pending' AND d.next_attempt_at <= clock_timestamp()
       AND NOT EXISTS (SELECT FROM webhook_delivery p
         WHERE p.webhook_id = $1 AND p.run_id = d.run_id AND p.seq < d.seq AND p.state = 'pending')
     ORDER BY d.next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
   ), taken AS (
     UPDATE webhook_delivery d SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $3)
     FROM heads h WHERE (d.webhook_id, d.run_id, d.seq) = (h.webhook_id, h.run_id, h.seq)
     RETURNING d.run_id, d.seq, d.tx, d.attempts
   )
   SELECT t.run_id, t.seq, t.attempts, CASE WHEN e.seq IS NOT NULL THEN json_build_object('tx', t.tx::text,
     'run_id', t.run_id, 'seq', t.seq, 'project_id', r.project_id, 'type', e.type,
     'time', to_char(e.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', e.data) END AS event
   FROM taken t LEFT JOIN (run_event e JOIN run r ON r.id = e.run_id) ON (e.run_id, e.seq) = (t.run_id, t.seq)`,
);

const SETTLE = statement(
  'webhook_delivery_settle',
  `UPDATE webhook_delivery SET state = $5, last_status = $6, last_error = $7,
     next_attempt_at = CASE WHEN $5 = 'pending' THEN clock_timestamp() + make_interval(secs => $8) END,
     settled_at = CASE WHEN $5 <> 'pending' THEN clock_timestamp() END
   WHERE webhook_id = $1 AND run_id = $2 AND seq = $3 AND attempts = $4 AND state = 'pending'`,
);

const AGAIN = `state = 'pending', attempts = 0, next_attempt_at = clock_timestamp(), settled_at = NULL`;

const REVIVE = statement<{ count: number }>(
  'webhook_delivery_revive',
  `WITH again AS (
     UPDATE webhook_delivery SET ${AGAIN} WHERE webhook_id = $1 AND state = 'dead' RETURNING 1
   )
   SELECT count(*)::integer AS count FROM again`,
);

const LIST = statement<DeliveryRow>(
  'webhook_delivery_list',
  `SELECT webhook_id, run_id, seq, tx::text AS tx, state, attempts, next_attempt_at, last_status, last_error, created_at, settled_at
   FROM webhook_delivery
   WHERE webhook_id = $1 AND ($2::text IS NULL OR state = $2)
     AND ($4::xid8 IS NULL OR (tx, run_id, seq) < ($4::xid8, $5::uuid, $6::integer))
   ORDER BY tx DESC, run_id DESC, seq DESC LIMIT $3`,
);

const FORGET = statement<{ count: number }>(
  'webhook_delivery_forget',
  `WITH old AS MATERIALIZED (
     SELECT webhook_id, run_id, seq FROM webhook_delivery
     WHERE state = 'delivered' AND settled_at <= now() - make_interval(days => $1) LIMIT 1000 FOR UPDATE SKIP LOCKED
   ), gone AS (
     DELETE FROM webhook_delivery d USING old
     WHERE (d.webhook_id, d.run_id, d.seq) = (old.webhook_id, old.run_id, old.seq) RETURNING 1
   )
   SELECT count(*)::integer AS count FROM gone`,
);
