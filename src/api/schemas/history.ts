import { z } from 'zod';
import { anyJson, contentHash, instant } from './conventions.ts';
import { anyRef } from './diff.ts';
import { mergeBases } from './merge.ts';

export const compareQuery = z.strictObject({ base: anyRef, head: anyRef });

export const comparisonView = z
  .object({
    base: contentHash,
    head: contentHash,
    ahead: z.int().meta({ description: 'Versions that only `head` comes from.' }),
    behind: z.int().meta({ description: 'Versions that only `base` comes from.' }),
    merge_base: contentHash.nullable(),
    merge_bases: mergeBases,
  })
  .meta({ id: 'Comparison' });

export const blameQuery = z.strictObject({
  ref: anyRef,
  pointer: z
    .string()
    .max(4_096)
    .regex(/^(\/([^~/]|~[01])*)*$/, 'must be a JSON Pointer')
    .optional()
    .meta({ description: 'Into the definition; without it the answer is one entry per node.' }),
});

const blameEntry = z
  .object({
    pointer: z.string(),
    value: anyJson,
    artifact_id: z.string(),
    version_hash: contentHash,
    kind: z.enum(['dag_version', 'patch_set']),
    message: z.string().nullable(),
    created_by: z.string(),
    created_at: instant,
    tag: z.string().nullable().meta({ description: 'The tag that pointed at this version first.' }),
    tag_version: z.int().nullable(),
    boundary: z
      .boolean()
      .meta({ description: 'The trail ends here: the value is as old as this version, or older.' }),
  })
  .meta({ id: 'BlameEntry' });

export const blameView = z.union([
  blameEntry,
  z.object({ version_hash: contentHash, nodes: z.array(blameEntry) }).meta({ id: 'NodeBlame' }),
]);
