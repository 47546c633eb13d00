import { jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { PERMISSIONS, ROLES } from '../../contract/roles.ts';
import { bytea, instant } from './columns.ts';

export const appUser = pgTable('app_user', {
  id: uuid('id').primaryKey(),
  email: text('email').notNull(),
  name: text('name').notNull().default(''),
  /** Null: nobody signs in as this one with a password. */
  password_hash: text('password_hash'),
  permissions: text('permissions', { enum: PERMISSIONS }).array().notNull(),
  status: text('status', { enum: ['active', 'disabled'] })
    .notNull()
    .default('active'),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
  updated_at: instant('updated_at').notNull().defaultNow(),
});

export const userSession = pgTable('user_session', {
  id: uuid('id').primaryKey(),
  user_id: uuid('user_id').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
  expires_at: instant('expires_at').notNull(),
  revoked_at: instant('revoked_at'),
});

export const refreshToken = pgTable('refresh_token', {
  hash: bytea('hash').primaryKey(),
  session_id: uuid('session_id').notNull(),
  used_at: instant('used_at'),
});

export const apiKey = pgTable('api_key', {
  id: uuid('id').primaryKey(),
  user_id: uuid('user_id').notNull(),
  name: text('name').notNull(),
  hash: bytea('hash').notNull(),
  /** The most it may be in any project. */
  role: text('role', { enum: ROLES }).notNull(),
  /** The only ones it may see; null: those of its user. */
  projects: uuid('projects').array(),
  permissions: text('permissions', { enum: PERMISSIONS }).array().notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
  expires_at: instant('expires_at'),
  last_used_at: instant('last_used_at'),
  revoked_at: instant('revoked_at'),
});

export const signingKey = pgTable('signing_key', {
  kid: text('kid').primaryKey(),
  public_jwk: jsonb('public_jwk').notNull(),
  sealed_private_jwk: text('sealed_private_jwk').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
  retired_at: instant('retired_at'),
});

export const projectMember = pgTable(
  'project_member',
  {
    project_id: uuid('project_id').notNull(),
    user_id: uuid('user_id').notNull(),
    role: text('role', { enum: ROLES }).notNull(),
    added_by: text('added_by').notNull(),
    created_at: instant('created_at').notNull().defaultNow(),
    updated_at: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.project_id, t.user_id] })],
);

export const userIdentity = pgTable('user_identity', {
  id: uuid('id').primaryKey(),
  issuer: text('issuer').notNull(),
  subject: text('subject').notNull(),
  user_id: uuid('user_id').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
});
