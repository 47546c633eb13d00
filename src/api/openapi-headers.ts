import { z } from 'zod';
import type { Route } from './route.ts';

const WRITES = new Set<Route['method']>(['post', 'put', 'patch', 'delete']);

/** Headers that the pipeline understands on this route. */
export function requestHeaders(row: Route): z.ZodObject | undefined {
  if (row.root || row.public) return undefined;
  const is_write = WRITES.has(row.method);
  const headers = {
    ...(row.installation ? {} : { 'X-Project-Id': project_id }),
    ...(is_write && row.idempotent !== false ? { 'Idempotency-Key': idempotency_key } : {}),
    ...(is_write ? { 'If-Match': if_match } : {}),
  };
  return Object.keys(headers).length === 0 ? undefined : z.object(headers);
}

const project_id = z.guid().optional().meta({ description: 'The project; `?project_id=` says the same.' });

const idempotency_key = z
  .string()
  .min(1)
  .max(255)
  .optional()
  .meta({ description: 'The same key and body get the first answer again, for at least 24 hours.' });

const if_match = z
  .string()
  .optional()
  .meta({ description: 'The version this write expects, such as `"3"`.' });
