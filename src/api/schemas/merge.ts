import { z } from 'zod';
import { operations } from './artifacts.ts';
import { anyJson, contentHash, problem } from './conventions.ts';
import { anyRef } from './diff.ts';
import { message } from './patches.ts';
import { breakGlass, expectedVersion, reasonToBreak } from './tags.ts';

export const mergeBody = z
  .strictObject({
    ours: anyRef,
    theirs: anyRef,
    base: anyRef.optional().meta({ description: 'In place of the common ancestor.' }),
    tag: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'The tag that shall point at the result; without one nothing moves.' }),
    message,
    resolutions: operations.optional().meta({
      description:
        'A JSON Patch on the merged definition, in which a value in conflict is as in the base. It has to write every conflict, at its path or above.',
    }),
    expected_version: expectedVersion,
    break_glass: breakGlass,
  })
  .superRefine(reasonToBreak('message'));

const conflict = z
  .object({
    path: z.string(),
    kind: z.enum(['both_changed', 'both_added', 'changed_deleted']),
    base: anyJson.optional(),
    ours: anyJson.optional(),
    theirs: anyJson.optional(),
  })
  .meta({ id: 'MergeConflict', description: 'A member is left out where that side has no value.' });

const versionName = z.object({ artifact_id: z.string(), version_hash: contentHash });

export const mergeBases = z.array(versionName).meta({
  description: 'Best common ancestors: one, several after a criss-cross merge, none for strangers.',
});

export const mergeView = z
  .object({
    merged: z.enum(['merged', 'fast_forward', 'already_up_to_date']),
    version_hash: contentHash,
    artifact_id: z.string(),
    ours: contentHash,
    theirs: contentHash,
    merge_bases: mergeBases,
    conflicts: z.array(conflict).max(0),
    tag: z.string().nullable(),
    tag_version: z.int().nullable(),
  })
  .meta({ id: 'Merge' });

/** The members are there for `merge_conflict` only; a merge has other reasons for a 409, too. */
export const mergeProblem = problem
  .extend({
    conflicts: z.array(conflict).optional(),
    ours: contentHash.optional(),
    theirs: contentHash.optional(),
    merge_bases: mergeBases.optional(),
  })
  .meta({ id: 'MergeProblem' });
