import { z } from 'zod';
import { PERMISSIONS, ROLES } from '../../contract/roles.ts';
import { instant, moment, pageQuery, uuid } from './conventions.ts';

const MAX_PASSWORD = 1_024;
const email = z.email('must be an email address, such as ada@example.org').max(254).or(
  // Of the embedded stack's administrator.
  z.literal('admin@localhost'),
);
const newPassword = z
  .string()
  .min(12, 'must have at least 12 characters')
  .max(MAX_PASSWORD)
  .meta({ format: 'password' });
const shownPassword = z.string().min(1).max(MAX_PASSWORD).meta({ format: 'password' });
const permissions = z.array(z.enum(PERMISSIONS)).max(PERMISSIONS.length);
const personName = z.string().max(200);

export const loginBody = z.strictObject({ email: z.string().min(1).max(254), password: shownPassword });
export const refreshBody = z.strictObject({ refresh_token: z.string().min(1).max(200) });
export const logoutBody = z.strictObject({
  everywhere: z.boolean().default(false).meta({ description: 'Ends every session of the caller.' }),
});
export const passwordBody = z.strictObject({ current_password: shownPassword, new_password: newPassword });

export const signedInView = z.object({
  token: z.string().meta({ description: 'A JWT: the bearer token of further calls.' }),
  user_id: z.string(),
  expires_at: instant,
  refresh_token: z.string().meta({ description: 'Good once, at `POST /auth/refresh`.' }),
  refresh_expires_at: instant,
});

export const meView = z.object({
  principal: z.string().meta({ description: 'What `created_by` and `moved_by` say.' }),
  user: z.object({ id: z.string(), email: z.string(), name: z.string() }).nullable(),
  permissions: z.array(z.string()),
  projects: z
    .array(z.object({ id: z.string(), role: z.enum(ROLES) }))
    .nullable()
    .meta({ description: 'Null: all of them, with `role` in each.' }),
  role: z.enum(ROLES).meta({ description: 'The most this token may be anywhere.' }),
});

export const newApiKeyBody = z.strictObject({
  name: z.string().min(1).max(200),
  role: z.enum(ROLES).default('editor').meta({ description: 'The most it may be in any project.' }),
  projects: z
    .array(uuid)
    .min(1)
    .max(1_000)
    .nullable()
    .default(null)
    .meta({ description: 'The only ones it may see; null: those of its user.' }),
  permissions: permissions.default([]),
  expires_at: moment.nullable().default(null),
});

export const apiKeyView = z.object({
  id: z.string(),
  user_id: z.string().meta({ description: 'Whom it acts for.' }),
  name: z.string(),
  role: z.enum(ROLES),
  projects: z.array(z.string()).nullable(),
  permissions: z.array(z.string()),
  created_at: instant,
  expires_at: instant.nullable(),
  last_used_at: instant.nullable(),
  revoked_at: instant.nullable(),
});
export const createdApiKeyView = apiKeyView.extend({
  key: z.string().meta({ description: 'Told once: the bearer token of the program.' }),
});

export const idParams = z.strictObject({ id: uuid });
export const listQuery = z.strictObject(pageQuery);

export const newUserBody = z.strictObject({
  email,
  name: personName.default(''),
  password: newPassword.optional(),
  permissions: permissions.default([]),
});
export const userChangeBody = z
  .strictObject({
    name: personName.optional(),
    password: newPassword.optional(),
    permissions: permissions.optional(),
    status: z.enum(['active', 'disabled']).optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'must change something');

export const userView = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  permissions: z.array(z.string()),
  status: z.enum(['active', 'disabled']),
  has_password: z.boolean(),
  created_by: z.string(),
  created_at: instant,
  updated_at: instant,
});

export const jwksView = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });
export const rotatedView = z.object({ kid: z.string() });
