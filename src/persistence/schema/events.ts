import {
  bigint,
  boolean,
  customType,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** A 64-bit transaction id, as decimal text. */
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

export const eventSink = pgTable('event_sink', {
  name: text('name').primaryKey(),
  tx: xid8('tx').notNull(),
  run_id: uuid('run_id').notNull(),
  seq: integer('seq').notNull().default(0),
  fence: bigint('fence', { mode: 'number' }).notNull().default(0),
  // Text: its default is `-infinity`, which no Date can be.
  leased_until: timestamp('leased_until', { withTimezone: true, mode: 'string' }).notNull(),
  failures: integer('failures').notNull().default(0),
  last_error: text('last_error'),
  updated_at: instant('updated_at').notNull().defaultNow(),
});

export const webhook = pgTable('webhook', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  url: text('url').notNull(),
  events: text('events').array().notNull(),
  description: text('description'),
  secret: text('secret').notNull(),
  enabled: boolean('enabled').notNull().default(true),
  disabled_reason: text('disabled_reason'),
  since_tx: xid8('since_tx').notNull(),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
});

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;

export const webhookDelivery = pgTable(
  'webhook_delivery',
  {
    webhook_id: uuid('webhook_id').notNull(),
    run_id: uuid('run_id').notNull(),
    seq: integer('seq').notNull(),
    tx: xid8('tx').notNull(),
    state: text('state', { enum: DELIVERY_STATES }).notNull().default('pending'),
    attempts: integer('attempts').notNull().default(0),
    next_attempt_at: instant('next_attempt_at'),
    last_status: integer('last_status'),
    last_error: text('last_error'),
    created_at: instant('created_at').notNull().defaultNow(),
    settled_at: instant('settled_at'),
  },
  (t) => [primaryKey({ columns: [t.webhook_id, t.run_id, t.seq] })],
);
