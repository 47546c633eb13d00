import { integer, json, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, instant } from './columns.ts';

export const idempotencyKey = pgTable(
  'idempotency_key',
  {
    project_id: uuid('project_id').notNull(),
    principal: text('principal').notNull(),
    key: text('key').notNull(),
    request_hash: text('request_hash').notNull(),
    status: integer('status'),
    headers: json('headers').$type<Record<string, string>>(),
    body: bytea('body'),
    locked_until: instant('locked_until').notNull(),
    created_at: instant('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.project_id, t.principal, t.key] })],
);
