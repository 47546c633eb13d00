import { bigint, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, instant } from './columns.ts';

export const casBlob = pgTable('cas_blob', {
  cas_id: text('cas_id').primaryKey(),
  size_bytes: bigint('size_bytes', { mode: 'number' }).notNull(),
  content: bytea('content'),
  storage_url: text('storage_url'),
  created_at: instant('created_at').notNull().defaultNow(),
  unreachable_since: instant('unreachable_since'),
  collected_at: instant('collected_at'),
});

export const blobGrant = pgTable(
  'blob_grant',
  {
    project_id: uuid('project_id').notNull(),
    cas_id: text('cas_id').notNull(),
    media_type: text('media_type').notNull(),
    created_at: instant('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.project_id, t.cas_id] })],
);
