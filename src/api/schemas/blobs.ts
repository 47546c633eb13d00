import { z } from 'zod';
import { contentHash } from './conventions.ts';

export const blobParams = z.strictObject({ cas_id: contentHash });

/** A `Content-Type`, parameters included. Without one the bytes are just bytes. */
export const mediaType = z
  .string()
  .max(255)
  .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;[\t\x20-\x7e]*)?$/)
  .default('application/octet-stream');

export const blobView = z
  .object({ cas_id: contentHash, size_bytes: z.int(), media_type: z.string() })
  .meta({ id: 'Blob' });
