import { z } from 'zod';
import { bearerToken } from './config-fields.ts';
import type { Secret } from './config-secret.ts';
import { PERMISSIONS, ROLES } from './contract/roles.ts';

/** The principal of `auth.api_token`. */
const ADMIN = 'admin';

const name = z
  .string('must be text')
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1–63 letters, digits, ".", "_" or "-"')
  .refine((text) => text !== ADMIN, `"${ADMIN}" is who has auth.api_token`);

export const projects = z
  .array(
    z.guid('must be the id of a project').transform((id) => id.toLowerCase()),
    'must be a list of ids',
  )
  .min(1, 'must name a project, or be left out');

const permissions = z.array(
  z.enum(PERMISSIONS, `must be one of ${PERMISSIONS.join(', ')}`),
  'must be a list',
);

/** Who shows a token: the principal `token:<name>`, in all projects unless it names some. */
const entry = z.strictObject(
  {
    name,
    token: bearerToken,
    role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`),
    projects: projects.optional(),
    permissions: permissions.default([]),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping' : undefined) },
);

export type TokenSetting = z.output<typeof entry>;

/** A list of tokens: a YAML list, or JSON in the environment. */
export const tokens = z.preprocess(
  (value) => (typeof value === 'string' ? parsed(value) : value),
  z.array(entry, 'must be a list, as JSON in the environment').superRefine((list, ctx) => {
    // An entry that is wrong in itself has no secret yet to compare.
    if (ctx.issues.length > 0) return;
    refuseDoubles(
      ctx,
      'name',
      list.map((one) => one.name),
    );
    refuseDoubles(
      ctx,
      'token',
      list.map((one) => one.token.reveal()),
    );
  }),
);

export function refuseDoubles(ctx: z.RefinementCtx, member: string, values: readonly string[]): void {
  values.forEach((value, i) => {
    if (values.indexOf(value) !== i)
      ctx.addIssue({ code: 'custom', path: [i, member], message: 'is that of another entry' });
  });
}

/** A token says who shows it, so nobody may have the administrator's. */
export function refuseSharedToken(
  auth: { api_token?: Secret; tokens: readonly TokenSetting[] },
  ctx: z.RefinementCtx,
): void {
  if (ctx.issues.length > 0) return;
  const i = auth.tokens.findIndex(({ token }) => token.reveal() === auth.api_token?.reveal());
  if (i >= 0)
    ctx.addIssue({ code: 'custom', path: ['tokens', i, 'token'], message: 'is that of the administrator' });
}

/** What is no JSON stays text, which is no list; the text itself is never repeated. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
