import { z } from 'zod';
import { RUN_STATES, RUN_TYPES, STEP_STATES } from '../../contract/run.ts';
import {
  anyJson,
  contentHash,
  instant,
  jsonObject,
  moment,
  pageQuery,
  rowNumber,
  rowText,
  uuid,
} from './conventions.ts';

const MAX_LABELS = 64;
const labels = z
  .record(z.string().min(1).max(100), z.string().max(200))
  .refine((record) => Object.keys(record).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`);

export const runParams = z.strictObject({ id: uuid });

const experimentRef = z.string().min(1).max(300);

export const startRunBody = z.strictObject({
  workflow: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .meta({ description: 'Tag name, workflow id or version hash.' }),
  type: z.enum(RUN_TYPES).optional().meta({ description: 'A built-in type, in place of a workflow.' }),
  input: anyJson.optional(),
  params: jsonObject.optional().meta({ description: 'Laid over the definition’s params.' }),
  labels: labels.optional(),
  priority: z.int().min(1).max(5).default(3).meta({ description: '1 goes before 5, where runs wait.' }),
  timeout_seconds: z
    .number()
    .positive()
    .max(31_536_000)
    .optional()
    .meta({ description: 'The time the whole run has; a pause stops its clock.' }),
  executor: z.enum(['temporal', 'external']).default('temporal'),
  experiment_id: experimentRef.optional().meta({ description: 'A workflow, in place of `workflow`.' }),
  version_id: experimentRef
    .optional()
    .meta({ description: 'A version of it, or a label of the runtime’s own.' }),
  overrides: jsonObject.optional().meta({ description: 'Laid over all params.' }),
});

const patchOperations = z.array(anyJson).max(1_000).optional();

export const forkBody = z.strictObject({
  from_step: z.string().min(1).max(64).meta({ description: 'This step and what follows it is done again.' }),
  workflow: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .meta({ description: 'Another version; without it the run’s own.' }),
  input_patch: patchOperations.meta({ description: 'JSON Patch of the input.' }),
  params_patch: patchOperations.meta({ description: 'JSON Patch of the params.' }),
});

export const listRunsQuery = z.strictObject({
  ...pageQuery,
  status: z.string().optional().meta({ description: 'One state, or several with commas.' }),
  workflow: z.string().optional(),
  type: z.enum(RUN_TYPES).optional(),
  label: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .meta({ description: '`key:value`, repeatable.' }),
  health: z.enum(['healthy', 'heartbeat_stale', 'unresponsive']).optional(),
  created_after: moment.optional(),
  parent_run_id: uuid.optional().meta({ description: 'The runs that steps of this run began.' }),
});

export const waitQuery = z.strictObject({
  wait: z.coerce
    .number('must be a number')
    .min(0)
    .max(60)
    .optional()
    .meta({ description: 'Seconds to wait for the end.' }),
});

export const pageOnlyQuery = z.strictObject(pageQuery);
export const eventsQuery = z.strictObject({ ...pageQuery, after: rowNumber.optional() });

export const eventParams = z.strictObject({ id: uuid, name: z.string().min(1).max(200) });
export const approvalParams = z.strictObject({ id: uuid, node: z.string().min(1).max(64) });
export const decisionBody = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  item: z.int().min(0).optional().meta({ description: 'Which one, of a map of approvals.' }),
  comment: z.string().max(1_000).optional(),
  form: anyJson.optional().meta({ description: 'Must be what the node’s form schema asks for.' }),
});

const error = z.object({ code: z.string(), message: z.string(), step: z.string().optional() });

const waitingFor = z.object({
  concurrency: z.object({ key: z.string(), limit: z.int() }).optional(),
  rate_limit: z.object({ key: z.string(), per_second: z.number() }).optional(),
  start_policy: z.object({ id: z.string() }).optional(),
});

export const runView = z
  .object({
    id: z.string(),
    type: z.string(),
    workflow: z.string().nullable(),
    requested_ref: z.string().nullable(),
    artifact_id: z.string().nullable(),
    version_hash: contentHash.nullable(),
    experiment_id: z.string().nullable(),
    version_id: z.string().nullable(),
    project_id: z.string(),
    executor: z.enum(['temporal', 'external']),
    state: z.enum(RUN_STATES),
    runtime_status: z.string().nullable(),
    health: z.string(),
    input: anyJson,
    input_ref: contentHash.nullable(),
    params: jsonObject,
    output: anyJson,
    output_ref: contentHash.nullable(),
    error: error.nullable(),
    current_step: z.string().nullable(),
    progress: z.object({ done: z.int(), total: z.int() }),
    in_flight: z.int(),
    epoch: z.int(),
    manifest_id: z.string().nullable(),
    snapshot_id: z.string().nullable(),
    temporal_workflow_id: z.string().nullable(),
    temporal_run_id: z
      .string()
      .nullable()
      .meta({ description: 'Of its latest execution that was heard of.' }),
    created_by: z.string(),
    created_at: instant,
    started_at: instant.nullable(),
    ended_at: instant.nullable(),
    reason: z.string().nullable(),
    labels,
    priority: z.int(),
    parent_run_id: z.string().nullable().meta({ description: 'The run one of whose steps began this one.' }),
    parent_node: z.string().nullable(),
    parent_item: z.int(),
    forked_from: z.string().nullable().meta({ description: 'The run this one takes up again.' }),
    forked_from_step: z.string().nullable(),
    timeout_seconds: z.number().nullable(),
    next_actions: z.array(
      z.object({ action: z.string(), method: z.string(), href: z.string(), description: z.string() }),
    ),
    start_id: z.string().nullable().meta({ description: 'By the start policy of its definition.' }),
    waiting_for: waitingFor
      .nullable()
      .meta({ description: 'What a run that is not admitted yet waits for.' }),
    admitted_at: instant.nullable().meta({ description: 'When a run with limits was let in.' }),
    schedule_id: z.string().nullable().meta({ description: 'The schedule that began it.' }),
    scheduled_at: instant.nullable(),
    hook_id: z.string().nullable().meta({ description: 'The inbound webhook that began it.' }),
  })
  .meta({ id: 'Run' });

/** The place of a step in the list of them; one that has not begun is at its end. */
export const stepPlace = {
  started_at: moment.nullable(),
  node: rowText,
  item: z.literal(-1).or(rowNumber),
  attempt: rowNumber,
};

export const stepView = z
  .object({
    run_id: z.string(),
    node: z.string(),
    item: z.int().nullable(),
    attempt: z.int(),
    epoch: z.int(),
    state: z.enum(STEP_STATES),
    input_ref: z.string().nullable(),
    output: anyJson,
    output_ref: contentHash.nullable(),
    error: error.nullable(),
    agent_id: z.string().nullable(),
    started_at: instant.nullable(),
    ended_at: instant.nullable(),
    cause: z.string().nullable(),
    logs_ref: z.string().nullable(),
    reused_from: z
      .string()
      .nullable()
      .meta({ description: 'The run that carried it out, when this one did not.' }),
  })
  .meta({ id: 'Step' });

export const eventView = z
  .object({ seq: z.int(), run_id: z.string(), type: z.string(), time: instant, data: jsonObject })
  .meta({ id: 'RunEvent' });

export const snapshotView = z
  .object({ artifact_id: z.string(), snapshot: jsonObject })
  .meta({ id: 'RunSnapshot' });
