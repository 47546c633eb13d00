import { bigint, boolean, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const auditEntry = pgTable('audit_entry', {
  id: uuid('id').primaryKey(),
  scope: uuid('scope').notNull(),
  at: timestamp('at', { withTimezone: true, precision: 3, mode: 'date' }).notNull(),
  principal: text('principal').notNull(),
  credential: text('credential'),
  action: text('action').notNull(),
  target: text('target').notNull(),
  status: integer('status').notNull(),
  request_id: text('request_id').notNull(),
  address: text('address').notNull(),
  user_agent: text('user_agent'),
  body_digest: text('body_digest'),
  replayed: boolean('replayed').notNull(),
  seq: bigint('seq', { mode: 'number' }),
  previous_hash: text('previous_hash'),
  hash: text('hash'),
});
