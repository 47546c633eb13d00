import { z } from 'zod';
import { contentHash, instant, pageQuery } from './conventions.ts';

export const listSchedulesQuery = z.strictObject({ ...pageQuery, workflow: z.string().min(1).optional() });

const drift = z.enum(['missing', 'changed', 'extra']);

export const scheduleView = z
  .object({
    id: z.string(),
    workflow: z.string(),
    tag: z.string().nullable().meta({ description: 'The live tag it comes from.' }),
    version_hash: contentHash.nullable(),
    cron: z.string(),
    time_zone: z.string(),
    overlap: z.enum(['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all']),
    catch_up_seconds: z.int(),
    next_runs: z.array(instant),
    recent: z
      .array(z.object({ scheduled_at: instant, run_id: z.string() }))
      .meta({ description: 'Newest first.' }),
    paused: z.boolean().meta({ description: 'By an operator, in Temporal.' }),
    drift: drift
      .nullable()
      .meta({ description: 'How Temporal differs from the live definition, until that is repaired.' }),
    last_error: z
      .object({
        code: z.string(),
        message: z.string(),
        at: instant,
        scheduled_at: instant.optional().meta({ description: 'The firing that began no run.' }),
      })
      .nullable(),
    last_repair: z.object({ drift, at: instant }).nullable(),
  })
  .meta({ id: 'Schedule' });
