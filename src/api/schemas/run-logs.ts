import { z } from 'zod';
import { instant, pageQuery } from './conventions.ts';

export const logsQuery = z.strictObject({
  ...pageQuery,
  limit: z.coerce.number('must be a number').int().min(1).max(1_000).default(100),
  node: z.string().min(1).max(64).optional(),
  stream: z.enum(['stdout', 'stderr']).optional(),
  item: z.coerce
    .number('must be a number')
    .int()
    .min(0)
    .max(1_000_000_000)
    .optional()
    .meta({ description: 'In a map: the index.' }),
});

export const logEntry = z
  .object({
    seq: z.int(),
    time: instant,
    node: z.string(),
    item: z.int().nullable(),
    attempt: z.int(),
    stream: z.string(),
    text: z.string(),
  })
  .meta({ id: 'LogEntry' });
