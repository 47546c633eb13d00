import { z } from 'zod';
import { RUN_TYPES } from '../../contract/run.ts';
import {
  anyJson,
  contentHash,
  instant,
  jsonObject,
  pageQuery,
  queryFlag,
  rowNumber,
  uuid,
} from './conventions.ts';
import { message } from './patches.ts';
import { breakGlass, expectedVersion, reasonToBreak } from './tags.ts';

export const workflowParams = z.strictObject({ ref: z.string() });
export const versionParams = z.strictObject({
  ref: z.string(),
  n: rowNumber.min(1),
});
export const readWorkflowQuery = z.strictObject({ materialize: queryFlag.default(false) });
export const versionsQuery = z.strictObject(pageQuery);

export const listWorkflowsQuery = z.strictObject({
  ...pageQuery,
  prefix: z.string().max(200).optional(),
  type: z.enum(RUN_TYPES).optional().meta({ description: 'Runs of this type, in place of workflows.' }),
  status: z.string().optional().meta({ description: 'Runs in a state, in place of workflows.' }),
});

/** Three requests in one, told apart by their fields, so that each problem is named where it is. */
export const createWorkflowBody = z
  .strictObject({
    tag_name: z.string().min(1).max(200).optional(),
    workflow: anyJson.optional().meta({ description: 'The definition document.' }),
    message,
    expected_version: expectedVersion,
    break_glass: breakGlass,
    name: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'An empty workflow, or the name of a typed start.' }),
    description: z.string().max(10_000).optional(),
    type: z.enum(RUN_TYPES).exclude(['dag']).optional(),
    project_id: uuid.optional(),
    input: anyJson.optional(),
  })
  .superRefine((body, ctx) => {
    const missing = (field: string) => ctx.addIssue({ code: 'custom', path: [field], message: 'is missing' });
    if (body.type !== undefined || body.name !== undefined) {
      if (body.name === undefined) missing('name');
      refuse(
        ctx,
        body,
        body.type === undefined
          ? ['tag_name', 'workflow', 'break_glass', 'input', 'project_id']
          : ['tag_name', 'workflow', 'break_glass'],
      );
      return;
    }
    if (body.tag_name === undefined) missing('tag_name');
    if (body.workflow === undefined) missing('workflow');
    reasonToBreak('message')(body, ctx);
    refuse(ctx, body, ['description', 'input', 'project_id']);
  });

function refuse(ctx: z.RefinementCtx, body: Record<string, unknown>, fields: readonly string[]): void {
  for (const field of fields) {
    if (body[field] !== undefined)
      ctx.addIssue({ code: 'custom', path: [field], message: 'does not go with the other fields' });
  }
}

const version = {
  artifact_id: z.string().nullable(),
  kind: z.enum(['dag_version', 'patch_set']).nullable(),
  cas_id: contentHash.nullable(),
  version_hash: contentHash.nullable(),
  base_version: z.string().nullable(),
  depth: z.int().nullable(),
  nodes_count: z.int().nullable(),
  edges_count: z.int().nullable(),
  message: z.string().nullable(),
  created_by: z.string().nullable(),
  created_at: instant.nullable(),
};

export const workflowView = z
  .object({
    workflow_id: z.string().nullable(),
    name: z.string().nullable(),
    description: z.string().nullable(),
    project_id: z.string(),
    tag: z.string().nullable(),
    tag_version: z.int().nullable(),
    ...version,
    definition: jsonObject.optional(),
  })
  .meta({ id: 'Workflow' });

export const versionView = z
  .object({
    number: z.int(),
    ...version,
    op_count: z.int(),
    parents: z.array(z.string()),
    live: z.boolean().meta({ description: 'False once it was collected; then there is no definition.' }),
    definition: jsonObject.optional(),
  })
  .meta({ id: 'WorkflowVersion' });
