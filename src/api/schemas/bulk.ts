import { z } from 'zod';
import { CONTROL_TYPES, RUN_STATES, RUN_TYPES } from '../../contract/run.ts';
import { instant, jsonObject, moment, pageQuery, uuid } from './conventions.ts';
import { expiry } from './run-commands.ts';

const stateList = z
  .string()
  .regex(new RegExp(`^(${RUN_STATES.join('|')})(,(${RUN_STATES.join('|')}))*$`), 'has an unknown state');
const label = z.string().regex(/^[^:]+:/, 'must be key:value');

/** The filters of `GET /runs`; without `status` runs that have not ended. */
const filter = z
  .strictObject({
    status: z.union([stateList, z.array(z.enum(RUN_STATES)).min(1)]).optional(),
    workflow: z.string().optional(),
    type: z.enum(RUN_TYPES).optional(),
    label: z.union([label, z.array(label).min(1)]).optional(),
    health: z.enum(['healthy', 'heartbeat_stale', 'unresponsive']).optional(),
    created_after: moment.optional(),
    parent_run_id: uuid.optional(),
  })
  .meta({ description: 'As `GET /runs` takes it. Without `status`: runs that have not ended.' });

export const bulkBody = z.strictObject({
  filter,
  command: z.strictObject({ type: z.enum(CONTROL_TYPES), payload: jsonObject.default({}), ...expiry }),
  dry_run: z
    .boolean()
    .default(false)
    .meta({ description: 'Say how many runs match and would take it; tell none.' }),
});

export const bulkParams = z.strictObject({ id: uuid });
export const bulkQuery = z.strictObject(pageQuery);

const count = z.int().min(0);
const rejected = z.array(z.object({ run_id: z.string(), code: z.string() }));
const command = z.object({
  type: z.enum(CONTROL_TYPES),
  payload: jsonObject,
  reason: z.string().nullable(),
  expires_at: instant.nullable(),
});

export const bulkView = z
  .object({
    id: z.string(),
    state: z.enum(['running', 'completed']),
    filter: jsonObject,
    command,
    matched: count.meta({ description: 'Runs that matched when it was accepted.' }),
    pending: count,
    accepted: count,
    rejected_count: count,
    rejected: rejected.meta({ description: 'One page of the runs that did not take it, and why.' }),
    next_cursor: z.string().nullable(),
    created_by: z.string(),
    created_at: instant,
    ended_at: instant.nullable(),
  })
  .meta({ id: 'BulkCommand' });

export const bulkPreview = z
  .object({
    dry_run: z.literal(true),
    filter: jsonObject,
    command,
    matched: count,
    accepted: count,
    rejected: rejected.meta({ description: 'The first 100.' }),
  })
  .meta({ id: 'BulkPreview' });
