import { z } from 'zod';
import { contentHash, instant, pageQuery } from './conventions.ts';

export const expectedVersion = z
  .int()
  .min(1)
  .nullable()
  .optional()
  .meta({ description: 'The version the tag must have; null: it must not exist yet; absent: not checked.' });

export const reason = z.string().max(500).optional();

export const tagParams = z.strictObject({ name: z.string() });

export const listTagsQuery = z.strictObject({
  ...pageQuery,
  prefix: z.string().max(200).optional(),
  workflow: z.string().max(200).optional().meta({ description: 'Only tags of this workflow.' }),
});

export const historyQuery = z.strictObject(pageQuery);

export const stepBody = z.strictObject({ expected_version: expectedVersion, reason });

export const moveBody = z.strictObject({
  target: z
    .string()
    .min(1)
    .max(300)
    .meta({ description: 'Artifact id, version hash, or the name of a tag.' }),
  expected_version: expectedVersion,
  reason,
  protected: z.boolean().optional().meta({ description: 'Whether every later write needs If-Match.' }),
});

const targetKind = z.enum(['dag_version', 'patch_set']);

export const tagView = z
  .object({
    name: z.string(),
    target_kind: targetKind,
    target_id: z.string(),
    target_hash: contentHash,
    version: z.int(),
    protected: z.boolean(),
    moved_by: z.string(),
    moved_at: instant,
  })
  .meta({ id: 'Tag' });

export const moveView = z
  .object({
    seq: z.int(),
    type: z.enum(['create', 'move', 'undo', 'redo', 'delete']),
    from_id: z.string().nullable(),
    to_id: z.string().nullable(),
    from_hash: contentHash.nullable(),
    to_hash: contentHash.nullable(),
    version: z.int(),
    reverses_seq: z.int().nullable(),
    moved_by: z.string(),
    moved_at: instant,
    reason: z.string().nullable(),
  })
  .meta({ id: 'TagMove' });

export const versionHeader = { ETag: 'The version of the tag, in quotes; send it back as `If-Match`.' };
