import { z } from 'zod';
import { anyJson, contentHash } from './conventions.ts';

/** What names a version. */
export const anyRef = z
  .string()
  .min(1)
  .max(300)
  .meta({ description: 'Tag name, workflow or artifact id, or version hash.' });

export const diffQuery = z.strictObject({ from: anyRef, to: anyRef });

export const diffView = z
  .object({
    from: contentHash,
    to: contentHash,
    nodes: z.object({
      added: z.array(z.string()),
      removed: z.array(z.string()),
      changed: z.array(z.object({ node: z.string(), pointers: z.array(z.string()) })),
    }),
    operations: z.array(
      z.object({ op: z.enum(['add', 'remove', 'replace']), path: z.string(), value: anyJson.optional() }),
    ),
  })
  .meta({ id: 'Diff' });
