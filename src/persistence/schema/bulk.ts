import { integer, json, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import type { JsonObject } from '../../contract/json.ts';
import type { CONTROL_TYPES } from '../../contract/run.ts';
import { instant } from './columns.ts';

/** What every run of a bulk command is told. */
export interface BulkOrder {
  type: (typeof CONTROL_TYPES)[number];
  payload: JsonObject;
  reason: string | null;
  /** RFC 3339. */
  expires_at: string | null;
}

export const bulkCommand = pgTable('bulk_command', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  filter: json('filter').$type<JsonObject>().notNull(),
  command: json('command').$type<BulkOrder>().notNull(),
  matched: integer('matched').notNull(),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull(),
  ended_at: instant('ended_at'),
  lease_until: instant('lease_until').notNull(),
});

export const bulkItem = pgTable(
  'bulk_item',
  {
    bulk_id: uuid('bulk_id').notNull(),
    run_id: uuid('run_id').notNull(),
    state: text('state', { enum: ['pending', 'accepted', 'rejected'] }).notNull(),
    code: text('code'),
  },
  (t) => [primaryKey({ columns: [t.bulk_id, t.run_id] })],
);
