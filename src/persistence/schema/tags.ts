import { sql } from 'drizzle-orm';
import { boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

export const workflow = pgTable('workflow', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
});

export const tag = pgTable(
  'tag',
  {
    project_id: uuid('project_id').notNull(),
    name: text('name').notNull(),
    workflow_name: text('workflow_name').generatedAlwaysAs(sql`split_part(name, '/', 1)`),
    target_kind: text('target_kind', { enum: ['dag_version', 'patch_set'] }).notNull(),
    target_id: uuid('target_id').notNull(),
    target_live: boolean('target_live').notNull().default(true),
    version: integer('version').notNull(),
    cursor_seq: integer('cursor_seq').notNull(),
    protected: boolean('protected').notNull().default(false),
    moved_by: text('moved_by').notNull(),
    moved_at: instant('moved_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.project_id, t.name] })],
);

export const tagRule = pgTable('tag_rule', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  pattern: text('pattern').notNull(),
  role: text('role', { enum: ['owner', 'maintainer', 'operator', 'editor'] }).notNull(),
  approvals: integer('approvals').notNull().default(0),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
});

export const tagApproval = pgTable(
  'tag_approval',
  {
    project_id: uuid('project_id').notNull(),
    tag_name: text('tag_name').notNull(),
    tag_version: integer('tag_version').notNull(),
    target_id: uuid('target_id').notNull(),
    approved_by: text('approved_by').notNull(),
    comment: text('comment'),
    approved_at: instant('approved_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.project_id, t.tag_name, t.tag_version, t.target_id, t.approved_by] })],
);

export const tagMove = pgTable(
  'tag_move',
  {
    project_id: uuid('project_id').notNull(),
    tag_name: text('tag_name').notNull(),
    seq: integer('seq').notNull(),
    type: text('type', { enum: ['create', 'move', 'undo', 'redo', 'delete'] }).notNull(),
    from_id: uuid('from_id'),
    to_id: uuid('to_id'),
    version: integer('version').notNull(),
    parent_seq: integer('parent_seq'),
    reverses_seq: integer('reverses_seq'),
    moved_by: text('moved_by').notNull(),
    moved_at: instant('moved_at').notNull().defaultNow(),
    reason: text('reason'),
    break_glass: boolean('break_glass').notNull().default(false),
    previous_seq: integer('previous_seq').generatedAlwaysAs(sql`nullif(seq - 1, 0)`),
  },
  (t) => [primaryKey({ columns: [t.project_id, t.tag_name, t.seq] })],
);
