import { z } from 'zod';

/** Shared shapes of requests and answers. */

export const uuid = z.guid('must be a UUID').transform((id) => id.toLowerCase());
export const contentHash = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256:<64 hex digits>');
export const instant = z.iso.datetime({ offset: true });
/** A time that somebody asks about, in years that the database knows too. */
export const moment = instant
  .transform((at) => new Date(at))
  .refine((at) => at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9999, 'must be in the years 1 to 9999');

/** Any JSON value; a field of this type must be there unless it is made `.optional()`. Not `z.json()`: that walks the whole value once more, and every body is JSON already. */
export const anyJson = z.unknown().meta({ description: 'Any JSON value.' });
export const jsonObject = z.record(z.string(), z.unknown()).meta({ description: 'Any JSON object.' });

/** A number that counts rows, as far as a column holds one. */
export const rowNumber = z.coerce.number('must be a number').int().min(0).max(2_147_483_647);
/** Text that a column takes. */
export const rowText = z.string().refine((text) => !text.includes('\0'), 'must not hold U+0000');
/** Where an event of all runs is in the log. */
export const logPlace = { tx: z.string().regex(/^\d{1,19}$/), run_id: uuid, seq: rowNumber };

/** `?limit=&cursor=` of every list; spread it into the route's own filters. */
export const pageQuery = {
  limit: z.coerce.number('must be a number').int().min(1).max(100).default(20),
  cursor: z.string().min(1).max(512).optional().meta({ description: '`next_cursor` of the page before.' }),
};

/** The answer of every list. */
export function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/** A flag in a query string: `?materialize=true`. */
export const queryFlag = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((text) => text !== 'false' && text !== '0');

/** One JSON Patch operation; members it does not know are ignored (RFC 6902 §4). */
export const patchOperation = z
  .discriminatedUnion('op', [
    z.object({ op: z.enum(['add', 'replace', 'test']), path: pointer(), value: z.unknown() }),
    z.object({ op: z.literal('remove'), path: pointer() }),
    z.object({ op: z.enum(['move', 'copy']), from: pointer(), path: pointer() }),
  ])
  .meta({ id: 'PatchOperation' });

/** A JSON Patch document of at most `max_operations`. */
export const jsonPatch = (max_operations: number) => z.array(patchOperation).max(max_operations);

function pointer() {
  return z.string().regex(/^(\/([^~/]|~[01])*)*$/, 'must be a JSON Pointer');
}

/** Loose: some codes tell more, each what its cause in the catalogue says. */
export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.string().meta({ description: 'From the error catalogue.' }),
    request_id: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every problem, by JSON Pointer.' }),
  })
  .meta({ id: 'Problem' });
