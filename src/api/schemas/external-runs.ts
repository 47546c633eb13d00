import { z } from 'zod';
import { RUNTIME_STATUSES } from '../../contract/run.ts';
import { anyJson, instant, jsonObject, uuid } from './conventions.ts';
import { commandId, commandView, reason } from './run-commands.ts';

const counter = z.int().min(0);

export const heartbeatBody = z.strictObject({
  run_id: uuid,
  status: z.enum(RUNTIME_STATUSES),
  step: counter.meta({ description: 'Never goes back.' }),
  samples_per_sec: z.number().min(0),
  loss: z.number().nullable().meta({ description: 'Null where there is none, such as NaN.' }),
  checkpoint_version: counter.meta({ description: 'Never goes back.' }),
  metrics: jsonObject.optional(),
});

/** What a heartbeat says, and when it came. */
export const measures = {
  at: instant,
  step: z.int(),
  samples_per_sec: z.number(),
  loss: z.number().nullable(),
  checkpoint_version: z.int(),
  metrics: jsonObject.nullable(),
};

export const heartbeatView = z
  .object({
    run_id: z.string(),
    status: z.enum(RUNTIME_STATUSES),
    beats: z.int().meta({ description: 'How many there were.' }),
    ...measures,
  })
  .meta({ id: 'Heartbeat' });

export const nextQuery = z.strictObject({
  wait: z.coerce
    .number('must be a number')
    .min(0)
    .max(60)
    .default(0)
    .meta({ description: 'Seconds to wait for a command.' }),
});

export const leasedCommand = commandView
  .extend({ lease_token: z.string(), lease_expires_at: instant })
  .meta({ id: 'LeasedCommand' });

export const ackParams = z.strictObject({ id: uuid, cmd_id: commandId });

export const ackBody = z.strictObject({
  status: z.enum(['acknowledged', 'rejected']),
  applied: jsonObject.optional().meta({ description: 'What was done; of a tune, the params that were set.' }),
  reason: reason.optional(),
  lease_token: uuid.optional(),
});

const error = z.strictObject({ code: z.string().min(1).max(100), message: z.string().min(1).max(2_000) });

export const completeBody = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('completed'), output: anyJson.optional() }),
  z.strictObject({
    state: z.enum(['failed', 'errored']),
    output: anyJson.optional(),
    error: error.optional(),
  }),
]);
