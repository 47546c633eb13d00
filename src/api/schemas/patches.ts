import { z } from 'zod';
import { operations } from './artifacts.ts';
import { anyJson, contentHash, instant, problem, queryFlag, uuid } from './conventions.ts';
import { diffView } from './diff.ts';
import { breakGlass, expectedVersion, reasonToBreak } from './tags.ts';

export const message = z.string().max(500).optional();

export const patchParams = z.strictObject({ id: uuid });

const write = {
  tag: z.string().min(1).max(200),
  message,
  expected_version: expectedVersion,
  break_glass: breakGlass,
};

export const createPatchBody = z
  .strictObject({
    ...write,
    operations,
    dry_run: z
      .boolean()
      .optional()
      .meta({ description: 'Answer what the patch would make, and make nothing.' }),
  })
  .superRefine(reasonToBreak('message'));

export const revertPatchBody = z.strictObject(write).superRefine(reasonToBreak('message'));

export const dryRunQuery = z.strictObject({
  dry_run: queryFlag
    .default(false)
    .meta({ description: 'Answer what the patch would make, and make nothing.' }),
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
    reverts_id: z.string().nullable().meta({ description: 'The patch that this one takes back.' }),
    cas_id: contentHash,
    version_hash: contentHash,
    message: z.string().nullable(),
    created_by: z.string(),
    created_at: instant,
    kind: z.enum(['dag_version', 'patch_set']).meta({ description: 'What the tag points at now.' }),
    operations: z.array(anyJson).optional(),
  })
  .meta({ id: 'Patch' });

export const previewView = z
  .object({
    dry_run: z.literal(true),
    tag: z.string(),
    tag_version: z.int(),
    valid: z.boolean().meta({ description: 'Whether the result is a definition.' }),
    errors: problem.shape.errors.unwrap(),
    changed: z.boolean().meta({ description: 'Whether the tag would move.' }),
    version_hash: contentHash.nullable(),
    diff: diffView.extend({ to: contentHash.nullable() }).meta({ id: 'PreviewDiff' }),
  })
  .meta({ id: 'PatchPreview' });

/** `conflicts` is there for `revert_conflict` only; a revert has other reasons for a 409, too. */
export const revertProblem = problem
  .extend({
    conflicts: z.array(z.object({ patch_id: z.string(), pointers: z.array(z.string()) })).optional(),
  })
  .meta({ id: 'RevertProblem' });
