import { z } from 'zod';
import { operations } from './artifacts.ts';
import { anyJson, contentHash, instant, uuid } from './conventions.ts';
import { expectedVersion } from './tags.ts';

export const message = z.string().max(500).optional();

export const patchParams = z.strictObject({ id: uuid });

export const createPatchBody = z.strictObject({
  tag: z.string().min(1).max(200),
  operations,
  message,
  expected_version: expectedVersion,
});

export const patchView = z
  .object({
    id: z.string(),
    tag: z.string().nullable(),
    tag_version: z.int().nullable(),
    base_version: z.string().nullable(),
    parent_id: z.string().nullable(),
    depth: z.int(),
    op_count: z.int(),
    cas_id: contentHash,
    version_hash: contentHash,
    message: z.string().nullable(),
    created_by: z.string(),
    created_at: instant,
    kind: z.enum(['dag_version', 'patch_set']).meta({ description: 'What the tag points at now.' }),
    operations: z.array(anyJson).optional(),
  })
  .meta({ id: 'Patch' });
