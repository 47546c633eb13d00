import { z } from 'zod';
import { ROLES } from '../../contract/roles.ts';
import { contentHash, instant, pageQuery, uuid } from './conventions.ts';
import { expectedVersion, target } from './tags.ts';

export const ruleParams = z.strictObject({ id: uuid });
export const listRulesQuery = z.strictObject(pageQuery);

const rule = {
  pattern: z.string().min(1).max(200).meta({
    description: 'Of tag names: `*` is any text within a segment, a segment `**` any number of segments.',
  }),
  role: z.enum(ROLES).exclude(['viewer']).meta({ description: 'What a writer must at least be.' }),
};
const approvals = z.int().min(0).max(10).meta({ description: 'By others than the writer.' });

export const ruleBody = z.strictObject({ ...rule, approvals: approvals.default(0) });

export const ruleView = z
  .object({ id: z.string(), ...rule, approvals, created_by: z.string(), created_at: instant })
  .meta({ id: 'TagRule' });

export const approvalBody = z.strictObject({
  target: target.nullable().meta({ description: 'Where the tag shall go; null: it shall be deleted.' }),
  comment: z.string().max(500).optional(),
  expected_version: expectedVersion,
});

export const listApprovalsQuery = z.strictObject({
  ...pageQuery,
  tag_version: z.coerce
    .number('must be a number')
    .int()
    .min(0)
    .max(2_147_483_647)
    .optional()
    .meta({ description: 'Only approvals of changes from this version of the tag.' }),
});

export const approvalView = z
  .object({
    tag: z.string(),
    tag_version: z.int().meta({ description: 'The version it leads away from; 0: the tag was not there.' }),
    target_id: z.string().nullable(),
    target_hash: contentHash.nullable(),
    approved_by: z.string(),
    approved_at: instant,
    comment: z.string().nullable(),
  })
  .meta({ id: 'TagApproval' });
