import { z } from 'zod';
import { ROLES } from '../../contract/roles.ts';
import { instant, pageQuery, uuid } from './conventions.ts';

const name = z.string().trim().min(1).max(200);
const description = z.string().max(10_000);
const type = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be a lower case word');
const role = z.enum(ROLES);
const email = z.string().min(1).max(254);

export const projectParams = z.strictObject({ id: uuid });
export const memberParams = z.strictObject({ id: uuid, user_id: uuid });
export const listProjectsQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(['active', 'archived']).optional(),
  type: type.optional(),
});
export const listMembersQuery = z.strictObject(pageQuery);

export const newProjectBody = z.strictObject({
  name,
  description: description.default(''),
  type: type.default('standard'),
});
export const projectChangeBody = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    type: type.optional(),
    status: z
      .enum(['active', 'archived'])
      .optional()
      .meta({ description: 'An archived project can be read; nothing can be done in it.' }),
  })
  .refine((change) => Object.keys(change).length > 0, 'must change something');

export const projectView = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  type: z.string(),
  status: z.enum(['active', 'archived']),
  version: z.int(),
  created_by: z.string(),
  created_at: instant,
  updated_at: instant,
});

export const usageView = z.object({
  open_runs: z.int(),
  runs: z
    .array(z.object({ id: z.string(), type: z.string(), workflow: z.string().nullable(), state: z.string() }))
    .meta({ description: 'The newest of them.' }),
  environments: z.array(z.object({ name: z.string(), releases: z.int() })),
});

export const newMemberBody = z.strictObject({ email, role });
export const memberBody = z.strictObject({ role });
export const memberView = z.object({
  user_id: z.string(),
  email: z.string(),
  name: z.string(),
  role,
  added_by: z.string(),
  created_at: instant,
  updated_at: instant,
});
