import { z } from 'zod';
import { DRAFT_STATES, PROPOSAL_STATUSES } from '../../contract/refinement.ts';
import { SPEC_ENGINE_LIMITS } from '../../contract/spec-engine.ts';
import { anyJson, instant, jsonObject, pageQuery, patchOperation, rowNumber, uuid } from './conventions.ts';

const MAX_CONTEXT_CHARS = 16_000;
const ref = z.string().min(1).max(300);
const instructions = z
  .string()
  .trim()
  .min(1)
  .max(SPEC_ENGINE_LIMITS.instructions_chars)
  .meta({ description: 'What is to be changed, in plain English.' });
const context = jsonObject
  .refine(
    (value) => JSON.stringify(value).length <= MAX_CONTEXT_CHARS,
    `at most ${MAX_CONTEXT_CHARS} characters`,
  )
  .optional()
  .meta({
    description: 'What the engine is to know besides the definition, its files and what was said before.',
  });

export const refinementBody = z.strictObject({ workflow: ref, instructions, context });
export const workflowRefinementBody = z.strictObject({ instructions, context });
export const workflowParams = z.strictObject({ ref });
export const idParams = z.strictObject({ id: uuid });
export const proposalWaitQuery = z.strictObject({
  wait: z.coerce
    .number('must be a number')
    .min(0)
    .max(30)
    .optional()
    .meta({ description: 'Seconds to wait until it is worked out, or given up.' }),
});
export const threadParams = z.strictObject({ thread_id: uuid });
export const socketQuery = z.strictObject({
  last_event_id: rowNumber.optional(),
});

export const refinementView = z.object({
  proposal_id: z.string(),
  thread_id: z.string(),
  draft_id: z.string(),
  status: z.enum(PROPOSAL_STATUSES),
  websocket_url: z.string().meta({ description: 'Where to follow it; nobody has to.' }),
});

export const listProposalsQuery = z.strictObject({
  ...pageQuery,
  workflow: ref.optional(),
  draft_id: uuid.optional(),
  status: z.enum(PROPOSAL_STATUSES).optional(),
});

const problem = z.object({ path: z.string(), message: z.string() });

export const proposalSummary = z.object({
  id: z.string(),
  project_id: z.string(),
  workflow: z.string(),
  draft_id: z.string(),
  thread_id: z.string(),
  instructions: z.string(),
  context: jsonObject.nullable(),
  status: z.enum(PROPOSAL_STATUSES),
  base_id: z.string().nullable(),
  base_hash: z.string().nullable().meta({ description: 'The version it is against; null: none yet.' }),
  patch: z.array(patchOperation).nullable(),
  files: z.record(z.string(), z.string().nullable()).nullable(),
  message: z.string().nullable().meta({ description: 'What the engine has to say.' }),
  questions: z.array(z.string()).nullable(),
  understood: z.boolean().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  created_by: z.string(),
  created_at: instant,
  completed_at: instant.nullable(),
  resolved_by: z.string().nullable(),
  resolved_at: instant.nullable(),
  reason: z.string().nullable(),
  superseded_by: z.string().nullable(),
  applied_id: z.string().nullable().meta({ description: 'The patch, or version, that it became.' }),
});

export const proposalView = proposalSummary.extend({
  diff: z
    .object({
      nodes: z.object({
        added: z.array(z.string()),
        removed: z.array(z.string()),
        changed: z.array(z.object({ node: z.string(), pointers: z.array(z.string()) })),
      }),
      operations: z.array(anyJson),
    })
    .nullable(),
  validation: z.object({ valid: z.boolean(), problems: z.array(problem) }).nullable(),
});

const reason = z.string().max(1_000).optional();
export const resolveBody = z.strictObject({ reason }).optional();
export const publishBody = z
  .strictObject({
    message: reason,
    discard_proposals: z
      .boolean()
      .default(false)
      .meta({ description: 'Publish although proposals are still worked on; they are rejected.' }),
  })
  .optional();
export const rebaseDraftBody = z.strictObject({ resolutions: z.array(patchOperation).optional() }).optional();

export const listDraftsQuery = z.strictObject({
  ...pageQuery,
  workflow: ref.optional(),
  state: z.enum(DRAFT_STATES).optional(),
});

export const draftSummary = z.object({
  id: z.string(),
  project_id: z.string(),
  workflow: z.string(),
  tag: z.string(),
  state: z.enum(DRAFT_STATES),
  base_id: z.string().nullable(),
  base_hash: z.string().nullable(),
  published_id: z.string().nullable(),
  published_number: z.int().nullable(),
  created_by: z.string(),
  created_at: instant,
  closed_by: z.string().nullable(),
  closed_at: instant.nullable(),
});
export const draftView = draftSummary.extend({
  tag_version: z.int().nullable(),
  version_hash: z
    .string()
    .nullable()
    .meta({ description: 'Of the draft as it is; null: nothing is in it yet.' }),
});

export const publishedView = z.object({
  workflow: z.string(),
  number: z.int(),
  artifact_id: z.string(),
  version_hash: z.string(),
  tag: z.string(),
  tag_version: z.int(),
  draft_id: z.string(),
  rejected_proposals: z
    .array(z.string())
    .meta({ description: 'Proposals for the draft that nobody had decided on.' }),
  published_by: z.string().nullable(),
  published_at: instant.nullable(),
});
