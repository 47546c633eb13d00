import { z } from 'zod';
import { AGENT_TASK_STATES } from '../../contract/run.ts';
import { anyJson, contentHash, instant, pageQuery, uuid } from './conventions.ts';

const capability = z.string().min(1).max(200);

export const workBody = z.strictObject({
  capabilities: z.array(capability).min(1).max(100).meta({ description: 'What the agent can do.' }),
  agent_id: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'The caller, unless it says otherwise.' }),
  wait: z.number().min(0).max(60).default(0).meta({ description: 'Seconds to wait for a task.' }),
});

export const taskParams = z.strictObject({ id: uuid });
export const leaseBody = z.strictObject({ lease_token: uuid });

const error = z.strictObject({ code: z.string().min(1).max(100), message: z.string().min(1).max(2_000) });

export const resultBody = z
  .strictObject({ lease_token: uuid, output: anyJson.optional(), error: error.optional() })
  .refine((body) => (body.output === undefined) !== (body.error === undefined), {
    message: 'must have either output or error',
  });

export const listTasksQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(AGENT_TASK_STATES).optional(),
  capability: capability.optional(),
});

export const taskView = z
  .object({
    id: z.string(),
    run_id: z.string(),
    node: z.string(),
    item: z.int().nullable(),
    attempt: z.int(),
    capability: z.string(),
    task: anyJson,
    task_ref: contentHash.nullable().meta({ description: 'The blob that has a large task.' }),
    state: z.enum(AGENT_TASK_STATES),
    priority: z.int(),
    claimed_by: z.string().nullable(),
    claimed_at: instant.nullable(),
    lease_expires_at: instant.nullable(),
    deliveries: z.int(),
    created_at: instant,
    ended_at: instant.nullable(),
  })
  .meta({ id: 'AgentTask' });

export const claimedTask = taskView.extend({ lease_token: z.string() }).meta({ id: 'ClaimedAgentTask' });
