import { z } from 'zod';
import { COMMAND_TYPES, CONTROL_TYPES } from '../../contract/run.ts';
import { instant, jsonObject, moment } from './conventions.ts';
import { runView } from './runs.ts';

export const commandId = z.string().min(1).max(255);
export const reason = z.string().min(1).max(256);

const MAX_EXPIRY_SECONDS = 366 * 86_400;
/** When a command is too late; at most one of the two. */
export const expiry = {
  expires_at: moment
    .refine((time) => time.getTime() > Date.now(), 'must be in the future')
    .optional()
    .meta({ description: 'Not applied after this.' }),
  expires_in_seconds: z
    .int()
    .min(1)
    .max(MAX_EXPIRY_SECONDS)
    .optional()
    .meta({ description: 'The same, from now. Give one of the two; `runs.command_expiry_seconds` without.' }),
};

/** The control routes: the command id may be chosen, so that a repeat is the same command. */
export const controlBody = z.strictObject({ id: commandId.optional(), reason: reason.optional(), ...expiry });
export const terminateBody = z.strictObject({
  id: commandId.optional(),
  reason,
  final_checkpoint: z.boolean().optional(),
  ...expiry,
});

const tunable = {
  params: jsonObject
    .optional()
    .meta({ description: 'Bounded by the definition’s `params_schema`, or by the training profile.' }),
  nodes: z
    .record(
      z.string(),
      z.strictObject({
        retry: z
          .strictObject({
            max_attempts: z.int().min(1).max(1_000),
            initial_interval_ms: z.int().min(0).max(86_400_000),
            backoff: z.number().min(1).max(100),
            max_interval_ms: z.int().min(0).max(86_400_000),
            non_retryable: z.array(z.string().min(1).max(200)).max(100),
          })
          .partial()
          .optional(),
        timeout_seconds: z.number().positive().max(31_536_000).optional(),
        max_parallel: z.int().min(1).max(1_000).optional(),
      }),
    )
    .optional()
    .meta({ description: 'Options that the attempts to come of these steps have.' }),
};

export const tuneBody = z.strictObject({
  id: commandId.optional(),
  ...tunable,
  reason: reason.optional(),
  ...expiry,
});

/** The payload of each command that may be issued by `POST …/commands` (contract §5). */
export const commandPayloads: Readonly<
  Record<'pause' | 'resume' | 'cancel' | 'terminate' | 'tune', z.ZodType<ControlPayload>>
> = {
  pause: z.strictObject({}),
  resume: z.strictObject({}),
  cancel: z.strictObject({ reason: reason.optional() }),
  terminate: z.strictObject({ reason, final_checkpoint: z.boolean().optional() }),
  tune: z.strictObject({ ...tunable, reason: reason.optional() }),
};

interface ControlPayload {
  reason?: string;
  final_checkpoint?: boolean;
  params?: Record<string, unknown>;
  nodes?: Record<string, unknown>;
}

export const commandBody = z.strictObject({
  id: commandId,
  type: z.enum(CONTROL_TYPES),
  payload: jsonObject.default({}),
  ...expiry,
});

export const commandView = z
  .object({
    id: z.string(),
    run_id: z.string(),
    type: z.enum(COMMAND_TYPES),
    payload: jsonObject,
    state: z.enum(['queued', 'delivered', 'acknowledged', 'rejected', 'superseded', 'expired']),
    issued_by: z.string(),
    issued_at: instant,
    delivered_at: instant.nullable(),
    acknowledged_at: instant.nullable(),
    expires_at: instant.nullable(),
    lease_expires_at: instant
      .nullable()
      .meta({ description: 'Of a runtime that was handed it and has not acknowledged it.' }),
    reason: z.string().nullable(),
    deliveries: z.int(),
    applied: jsonObject.nullable(),
    superseded_by: z.string().nullable(),
  })
  .meta({ id: 'Command' });

export const controlledRun = runView.extend({ command: commandView }).meta({ id: 'ControlledRun' });
