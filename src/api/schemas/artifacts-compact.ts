import { z } from 'zod';
import { artifactView } from './artifacts.ts';
import { message } from './patches.ts';
import { breakGlass, expectedVersion, reasonToBreak } from './tags.ts';

/** Fields that say how a tag is written make no sense without one. */
export const compactBody = z
  .strictObject({
    message,
    tag: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'A tag that points at the patch set and shall point at the new version.' }),
    expected_version: expectedVersion,
    break_glass: breakGlass,
  })
  .superRefine(reasonToBreak('message'))
  .superRefine((body, ctx) => {
    for (const field of ['expected_version', 'break_glass'] as const) {
      if (body.tag === undefined && body[field] !== undefined)
        ctx.addIssue({ code: 'custom', path: [field], message: 'goes with a tag' });
    }
  });

export const compactedView = artifactView
  .omit({ definition: true })
  .extend({ tag: z.string().nullable(), tag_version: z.int().nullable() })
  .meta({ id: 'CompactedArtifact' });
