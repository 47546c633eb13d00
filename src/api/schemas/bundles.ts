import { z } from 'zod';
import { contentHash, uuid } from './conventions.ts';

const MAX_HAVE = 200;
const MAX_NEGOTIATED = 1_000;

export const exportQuery = z.strictObject({
  have: z
    .string()
    .transform((text) => text.split(',').filter((name) => name !== ''))
    .pipe(
      z.array(z.union([contentHash, uuid], 'must be an artifact id or sha256:<64 hex digits>')).max(MAX_HAVE),
    )
    .default([])
    .meta({
      description: `Artifact ids and version hashes of what the reader has, at most ${MAX_HAVE}, separated by commas; they and what they come from are left out.`,
    }),
});

export const importQuery = z.strictObject({
  on_conflict: z.enum(['skip', 'fail']).default('skip').meta({
    description: 'What a tag that went another way here is: left alone, or reason to store nothing.',
  }),
  as: z
    .string()
    .max(200)
    .regex(/^[^/]+$/, 'must be one segment')
    .optional()
    .meta({ description: 'The name of the workflow here.' }),
});

export const negotiateBody = z.strictObject({
  version_hashes: z.array(contentHash).max(MAX_NEGOTIATED),
});

export const negotiateView = z
  .object({ have: z.array(contentHash), missing: z.array(contentHash) })
  .meta({ id: 'BundleNegotiation' });

export const importView = z
  .object({
    workflow: z.string().nullable(),
    imported: z
      .object({ artifacts: z.int(), blobs: z.int() })
      .meta({ description: 'How many were not here before.' }),
    tags: z.array(
      z.object({
        name: z.string(),
        result: z.enum(['created', 'fast_forwarded', 'unchanged', 'ahead', 'diverged', 'refused']),
        version_hash: contentHash.meta({ description: 'What the bundle has for it.' }),
        tag_version: z.int().nullable().meta({ description: 'Its version here; null when it is not here.' }),
        code: z.string().optional().meta({ description: 'Why it was refused, from the error catalogue.' }),
        detail: z.string().optional(),
      }),
    ),
    absent_files: z.array(contentHash).meta({
      description: 'Files that a definition names and that were not there where the bundle was made.',
    }),
  })
  .meta({ id: 'BundleImport' });
