import { z } from 'zod';
import { instant, pageQuery } from './conventions.ts';

export const listLimitsQuery = z.strictObject(pageQuery);

export const limitView = z
  .object({
    kind: z.enum(['concurrency', 'rate_limit', 'start_policy']),
    key: z.string(),
    workflow: z.string().nullable().meta({ description: 'Of a start id; a project shares the other keys.' }),
    limit: z.int().nullable(),
    per_second: z.number().nullable(),
    holders: z.int().meta({ description: 'Open runs that were let in.' }),
    waiting: z.int(),
    waiting_since: instant.nullable(),
  })
  .meta({ id: 'Limit' });
