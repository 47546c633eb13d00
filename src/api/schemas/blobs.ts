import { z } from 'zod';
import { contentHash } from './conventions.ts';

export const blobParams = z.strictObject({ cas_id: contentHash });

export const blobView = z
  .object({ cas_id: contentHash, size_bytes: z.int(), media_type: z.string() })
  .meta({ id: 'Blob' });
