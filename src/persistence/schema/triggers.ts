import { boolean, integer, json, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** Why something about a schedule did not work; safe to show. */
export interface ScheduleError {
  code: string;
  message: string;
  /** RFC 3339. */
  at: string;
  /** The firing it is about. */
  scheduled_at?: string;
}

export const triggerState = pgTable(
  'trigger_state',
  {
    project_id: uuid('project_id').notNull(),
    workflow: text('workflow').notNull(),
    tag: text('tag').notNull(),
    target_id: uuid('target_id').notNull(),
    version_hash: text('version_hash').notNull(),
    applied_at: instant('applied_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.project_id, t.workflow] })],
);

export const schedule = pgTable('schedule', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  workflow: text('workflow').notNull(),
  cron: text('cron').notNull(),
  time_zone: text('time_zone').notNull(),
  overlap: text('overlap', {
    enum: ['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all'],
  }).notNull(),
  catch_up_seconds: integer('catch_up_seconds').notNull(),
  wanted: boolean('wanted').notNull(),
  revision: integer('revision').notNull().default(1),
  applied_revision: integer('applied_revision').notNull().default(0),
  fingerprint: text('fingerprint'),
  attempts: integer('attempts').notNull().default(0),
  next_attempt_at: instant('next_attempt_at').notNull().defaultNow(),
  apply_error: json('apply_error').$type<ScheduleError>(),
  firing_error: json('firing_error').$type<ScheduleError>(),
  repaired: text('repaired', { enum: ['missing', 'changed'] }),
  repaired_at: instant('repaired_at'),
});

export const hook = pgTable('hook', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  workflow: text('workflow').notNull(),
  name: text('name').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
});
