import { sql } from 'drizzle-orm';
import { bigint, boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, instant } from './columns.ts';

export const casBlob = pgTable('cas_blob', {
  cas_id: text('cas_id').primaryKey(),
  size_bytes: bigint('size_bytes', { mode: 'number' }).notNull(),
  content: bytea('content'),
  storage_url: text('storage_url'),
  slice_hashes: bytea('slice_hashes'),
  created_at: instant('created_at').notNull().defaultNow(),
  unreachable_since: instant('unreachable_since'),
  collected_at: instant('collected_at'),
  stored: boolean('stored')
    .notNull()
    .generatedAlwaysAs(sql`collected_at IS NULL`),
});

/** Which hashes the text of a blob names. */
export const blobNames = pgTable('blob_names', {
  cas_id: text('cas_id').primaryKey(),
  names: text('names').array().notNull(),
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

export const objectChunk = pgTable(
  'object_chunk',
  {
    object_key: text('object_key').notNull(),
    seq: integer('seq').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (t) => [primaryKey({ columns: [t.object_key, t.seq] })],
);

export const objectGarbage = pgTable('object_garbage', {
  storage_url: text('storage_url').primaryKey(),
  queued_at: instant('queued_at').notNull().defaultNow(),
  deleting: boolean('deleting').notNull().default(false),
});
