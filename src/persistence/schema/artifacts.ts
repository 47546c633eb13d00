import { sql } from 'drizzle-orm';
import { boolean, integer, pgTable, pgView, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

export const artifact = pgTable('artifact', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  kind: text('kind', { enum: ['dag_version', 'patch_set', 'run_manifest', 'run_snapshot'] }).notNull(),
  cas_id: text('cas_id').notNull(),
  version_hash: text('version_hash'),
  plan_hash: text('plan_hash'),
  base_version: uuid('base_version'),
  depth: integer('depth').notNull().default(0),
  op_count: integer('op_count').notNull().default(0),
  nodes_count: integer('nodes_count'),
  edges_count: integer('edges_count'),
  parents: uuid('parents').array().notNull().default([]),
  compacted_from_id: uuid('compacted_from_id'),
  reverts_id: uuid('reverts_id'),
  message: text('message'),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
  unreachable_since: instant('unreachable_since'),
  live: boolean('live').notNull().default(true),
  content_stored: boolean('content_stored').generatedAlwaysAs(sql`CASE WHEN live THEN true END`),
  previous_id: uuid('previous_id').generatedAlwaysAs(sql`CASE WHEN depth > 1 THEN parents[1] END`),
  previous_depth: integer('previous_depth').generatedAlwaysAs(sql`CASE WHEN depth > 1 THEN depth - 1 END`),
  base_kind: text('base_kind').generatedAlwaysAs(
    sql`CASE WHEN base_version IS NULL THEN NULL ELSE 'dag_version' END`,
  ),
});

/** A view: what the links between patches say. */
export const patchChainMember = pgView('patch_chain_member', {
  head_id: uuid('head_id').notNull(),
  seq: integer('seq').notNull(),
  member_id: uuid('member_id').notNull(),
}).existing();

export const materialisation = pgTable('materialisation', {
  plan_hash: text('plan_hash').primaryKey(),
  cas_id: text('cas_id').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
});
