import { z } from 'zod';
import { contentHash, instant, moment, pageQuery, queryFlag } from './conventions.ts';

export const expectedVersion = z
  .int()
  .min(1)
  .nullable()
  .optional()
  .meta({ description: 'The version the tag must have; null: it must not exist yet; absent: not checked.' });

export const reason = z.string().max(500).optional();

export const breakGlass = z.boolean().optional().meta({
  description:
    'Go past role and approvals, never past If-Match. Needs the permission `tag:break_glass` and a reason; the history shows it.',
});

/** Refuses to break glass without saying why. */
export const reasonToBreak =
  <F extends 'reason' | 'message'>(field: F) =>
  (body: { break_glass?: boolean } & { [K in F]?: string }, ctx: z.RefinementCtx): void => {
    if (body.break_glass && !body[field]?.trim())
      ctx.addIssue({ code: 'custom', path: [field], message: 'is needed to break glass' });
  };

export const tagParams = z.strictObject({ name: z.string() });

export const getTagQuery = z.strictObject({
  as_of: moment.optional().meta({ description: 'What the tag was then, and what made it so.' }),
});

export const listTagsQuery = z.strictObject({
  ...pageQuery,
  prefix: z.string().max(200).optional(),
  workflow: z.string().max(200).optional().meta({ description: 'Only tags of this workflow.' }),
});

export const historyQuery = z.strictObject(pageQuery);

const write = { expected_version: expectedVersion, reason, break_glass: breakGlass };

export const target = z
  .string()
  .min(1)
  .max(300)
  .meta({ description: 'Artifact id, version hash, or the name of a tag.' });

export const stepBody = z.strictObject(write).superRefine(reasonToBreak('reason'));

export const moveBody = z
  .strictObject({
    target,
    ...write,
    protected: z
      .boolean()
      .optional()
      .meta({ description: 'Whether every later write needs If-Match and the role maintainer.' }),
    fast_forward_only: z
      .boolean()
      .optional()
      .meta({ description: 'Only to a version that comes from the one the tag points at; else 409.' }),
  })
  .superRefine(reasonToBreak('reason'));

/** A deletion has no body. */
export const deleteTagQuery = z
  .strictObject({ reason, break_glass: queryFlag.optional() })
  .superRefine(reasonToBreak('reason'));

const targetKind = z.enum(['dag_version', 'patch_set']);

const place = {
  name: z.string(),
  target_kind: targetKind,
  target_id: z.string(),
  target_hash: contentHash,
  version: z.int(),
  moved_by: z.string(),
  moved_at: instant,
};

export const tagView = z.object({ ...place, protected: z.boolean() }).meta({ id: 'Tag' });

const entry = {
  seq: z.int(),
  reverses_seq: z.int().nullable(),
  reason: z.string().nullable(),
  break_glass: z.boolean().meta({ description: 'Role and approvals were not asked for.' }),
};

export const tagThenView = z
  .object({ ...place, ...entry, type: z.enum(['create', 'move', 'undo', 'redo']) })
  .meta({ id: 'TagThen' });

export const moveView = z
  .object({
    ...entry,
    type: z.enum(['create', 'move', 'undo', 'redo', 'delete']),
    from_id: z.string().nullable(),
    to_id: z.string().nullable(),
    from_hash: contentHash.nullable(),
    to_hash: contentHash.nullable(),
    version: z.int(),
    moved_by: z.string(),
    moved_at: instant,
  })
  .meta({ id: 'TagMove' });

export const versionHeader = { ETag: 'The version of the tag, in quotes; send it back as `If-Match`.' };
