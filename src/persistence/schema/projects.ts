import { integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import type { ProjectSettings } from '../../contract/project-settings.ts';
import { instant } from './columns.ts';

export const project = pgTable('project', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  type: text('type').notNull().default('standard'),
  status: text('status', { enum: ['active', 'archived', 'deleted'] })
    .notNull()
    .default('active'),
  version: integer('version').notNull().default(1),
  settings: jsonb('settings').$type<Partial<ProjectSettings>>().notNull().default({}),
  settings_version: integer('settings_version').notNull().default(1),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
  updated_at: instant('updated_at').notNull().defaultNow(),
  deleted_at: instant('deleted_at'),
});
