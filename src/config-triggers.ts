import { z } from 'zod';
import { field, integer, secretText, section } from './config-fields.ts';
import { parsed, projects, refuseDoubles } from './config-tokens.ts';

const MANY = 1_000_000;

/** A secret that `secret_ref` of a trigger names; in all projects unless it names some. */
const hookSecret = z.strictObject(
  {
    name: z.string('must be text').min(1, 'must not be empty').max(200, 'must have at most 200 characters'),
    secret: secretText(16),
    projects: projects.optional(),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping' : undefined) },
);

/** A YAML list, or JSON in the environment. */
const hookSecrets = z.preprocess(
  (value) => (typeof value === 'string' ? parsed(value) : value),
  z.array(hookSecret, 'must be a list, as JSON in the environment').superRefine((list, ctx) => {
    if (ctx.issues.length > 0) return;
    const names = list.map(({ name }) => name);
    refuseDoubles(ctx, 'name', names);
  }),
);

/** How schedules follow the tags. */
export const triggers = section({
  look_interval_seconds: field(
    integer(1, 3600).default(1),
    'How often tags that have moved are looked for, to bring schedules after them.',
  ),
  reconcile_interval_seconds: field(
    integer(0, 86_400).default(60),
    'How often all schedules in Temporal are held against the live definitions and put right; 0 is never.',
  ),
});

/** Inbound webhooks. */
export const hooks = section({
  secrets: field(hookSecrets.default([]), 'Secrets of inbound webhooks: `name`, `secret`, `projects`.', {
    secret: true,
    default_text: '🔒 none',
  }),
  tolerance_seconds: field(
    integer(1, 86_400).default(300),
    'How old, or how far ahead, the signed time of a delivery may be.',
  ),
  rate_per_second: field(integer(1, MANY).default(50), 'Deliveries per second and hook.'),
  rate_burst: field(integer(1, MANY).default(500), 'Deliveries a hook may take at once after a rest.'),
});
