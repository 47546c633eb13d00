import type { AgePlace } from '../contract/age-place.ts';
import type { Db } from './db.ts';
import type { webhook } from './schema/events.ts';
import { run, runOne, statement } from './statement.ts';

export type WebhookRow = Omit<typeof webhook.$inferSelect, 'since_tx'>;
export type NewWebhook = Pick<
  WebhookRow,
  'id' | 'project_id' | 'url' | 'events' | 'description' | 'secret' | 'created_by'
>;
export type WebhookChange = Partial<Pick<WebhookRow, 'url' | 'events' | 'description' | 'enabled'>>;

/** Whom a project's events are sent to. */
export function webhookRepository(db: Db) {
  return {
    /** It gets events that happen from now on. */
    async insert(hook: NewWebhook): Promise<WebhookRow> {
      const { id, project_id, url, events, description, secret, created_by } = hook;
      return (await runOne(db, INSERT, [id, project_id, url, events, description, secret, created_by]))!;
    },

    async find(project_id: string, id: string): Promise<WebhookRow | undefined> {
      return runOne(db, FIND, [project_id, id]);
    },

    /** Newest first. */
    async list(project_id: string, limit: number, after?: AgePlace): Promise<WebhookRow[]> {
      return run(db, LIST, [project_id, limit, after?.created_at ?? null, after?.id ?? null]);
    },

    /** What is left out stays. One that is switched on again gets events from now on. */
    async update(project_id: string, id: string, change: WebhookChange): Promise<WebhookRow | undefined> {
      const { url = null, events = null, description = null, enabled = null } = change;
      return runOne(db, UPDATE, [project_id, id, url, events, description, enabled]);
    },

    /** With all its deliveries. */
    async remove(project_id: string, id: string): Promise<boolean> {
      return (await runOne(db, REMOVE, [project_id, id])) !== undefined;
    },

    /** Its own server says that it is gone. */
    async switchOff(id: string, reason: string): Promise<void> {
      await run(db, SWITCH_OFF, [id, reason]);
    },
  };
}

export type WebhookRepository = ReturnType<typeof webhookRepository>;

const COLUMNS =
  'id, project_id, url, events, description, secret, enabled, disabled_reason, created_by, created_at';

const INSERT = statement<WebhookRow>(
  'webhook_insert',
  `INSERT INTO webhook (id, project_id, url, events, description, secret, created_by)
   VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${COLUMNS}`,
);

const FIND = statement<WebhookRow>(
  'webhook_find',
  `SELECT ${COLUMNS} FROM webhook WHERE project_id = $1 AND id = $2`,
);

// A cursor carries milliseconds: the order must not know more.
const MADE = `date_trunc('milliseconds', created_at)`;

const LIST = statement<WebhookRow>(
  'webhook_list',
  `SELECT ${COLUMNS} FROM webhook
   WHERE project_id = $1 AND ($3::timestamptz IS NULL OR (${MADE}, id) < ($3, $4::uuid))
   ORDER BY ${MADE} DESC, id DESC LIMIT $2`,
);

const UPDATE = statement<WebhookRow>(
  'webhook_update',
  `UPDATE webhook SET url = coalesce($3, url), events = coalesce($4, events), description = coalesce($5, description),
     since_tx = CASE WHEN $6 AND NOT enabled THEN pg_current_xact_id() ELSE since_tx END,
     disabled_reason = CASE WHEN $6 IS NULL THEN disabled_reason END, enabled = coalesce($6, enabled)
   WHERE project_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
);

const REMOVE = statement(
  'webhook_remove',
  'DELETE FROM webhook WHERE project_id = $1 AND id = $2 RETURNING id',
);

const SWITCH_OFF = statement(
  'webhook_switch_off',
  'UPDATE webhook SET enabled = false, disabled_reason = $2 WHERE id = $1 AND enabled',
);
