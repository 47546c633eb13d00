import {
  bigint,
  doublePrecision,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Json, JsonObject } from '../../contract/json.ts';
import {
  COMMAND_TYPES,
  RUN_STATES,
  RUNTIME_STATUSES,
  STEP_STATES,
  type RunError,
  type StepError,
} from '../../contract/run.ts';
import { instant } from './columns.ts';

export const run = pgTable('run', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  type: text('type').notNull(),
  workflow: text('workflow'),
  requested_ref: text('requested_ref'),
  artifact_id: uuid('artifact_id'),
  version_hash: text('version_hash'),
  experiment_id: text('experiment_id'),
  version_id: text('version_id'),
  manifest_id: uuid('manifest_id'),
  snapshot_id: uuid('snapshot_id'),
  executor: text('executor', { enum: ['temporal', 'external'] })
    .notNull()
    .default('temporal'),
  state: text('state', { enum: RUN_STATES }).notNull(),
  runtime_status: text('runtime_status', { enum: RUNTIME_STATUSES }),
  health: text('health', { enum: ['healthy', 'heartbeat_stale', 'unresponsive'] })
    .notNull()
    .default('healthy'),
  input: json('input').$type<Json>().notNull(),
  input_ref: text('input_ref'),
  params: json('params').$type<JsonObject>().notNull(),
  output: json('output').$type<Json>(),
  output_ref: text('output_ref'),
  error: json('error').$type<RunError>(),
  current_step: text('current_step'),
  progress_done: integer('progress_done').notNull().default(0),
  progress_total: integer('progress_total').notNull().default(0),
  in_flight: integer('in_flight').notNull().default(0),
  epoch: integer('epoch').notNull().default(0),
  journal_seq: integer('journal_seq').notNull().default(0),
  journal_history: integer('journal_history').notNull().default(0),
  journal_retold: integer('journal_retold').notNull().default(0),
  last_event_seq: integer('last_event_seq').notNull().default(0),
  temporal_run_id: uuid('temporal_run_id'),
  reason: text('reason'),
  parent_run_id: uuid('parent_run_id'),
  parent_node: text('parent_node'),
  parent_item: integer('parent_item').notNull().default(-1),
  timeout_seconds: doublePrecision('timeout_seconds'),
  forked_from: uuid('forked_from'),
  forked_from_step: text('forked_from_step'),
  labels: jsonb('labels').$type<Record<string, string>>().notNull().default({}),
  priority: integer('priority').notNull().default(3),
  flow_key: text('flow_key'),
  flow_limit: integer('flow_limit'),
  rate_key: text('rate_key'),
  rate_per_second: doublePrecision('rate_per_second'),
  start_id: text('start_id'),
  admitted_at: instant('admitted_at'),
  rate_slot: instant('rate_slot'),
  schedule_id: uuid('schedule_id'),
  scheduled_at: instant('scheduled_at'),
  hook_id: uuid('hook_id'),
  created_by: text('created_by').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
  started_at: instant('started_at'),
  ended_at: instant('ended_at'),
});

export const runStateTransition = pgTable(
  'run_state_transition',
  {
    run_id: uuid('run_id').notNull(),
    event_seq: integer('event_seq').notNull(),
    from_state: text('from_state'),
    to_state: text('to_state').notNull(),
    actor: text('actor').notNull(),
    reason: text('reason'),
    at: instant('at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.run_id, t.event_seq] })],
);

export const runEvent = pgTable(
  'run_event',
  {
    run_id: uuid('run_id').notNull(),
    seq: integer('seq').notNull(),
    type: text('type').notNull(),
    time: instant('time').notNull().defaultNow(),
    data: json('data').$type<JsonObject>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.run_id, t.seq] })],
);

export const step = pgTable(
  'step',
  {
    run_id: uuid('run_id').notNull(),
    epoch: integer('epoch').notNull(),
    node: text('node').notNull(),
    item: integer('item').notNull().default(-1),
    attempt: integer('attempt').notNull(),
    state: text('state', { enum: STEP_STATES }).notNull(),
    input_ref: text('input_ref'),
    output: json('output').$type<Json>(),
    output_ref: text('output_ref'),
    output_hash: text('output_hash'),
    error: json('error').$type<StepError>(),
    agent_id: text('agent_id'),
    cause: text('cause'),
    logs_ref: text('logs_ref'),
    reused_from: uuid('reused_from'),
    started_at: instant('started_at'),
    ended_at: instant('ended_at'),
  },
  (t) => [primaryKey({ columns: [t.run_id, t.epoch, t.node, t.item, t.attempt] })],
);

export const runCommand = pgTable(
  'run_command',
  {
    run_id: uuid('run_id').notNull(),
    id: text('id').notNull(),
    type: text('type', { enum: COMMAND_TYPES }).notNull(),
    payload: json('payload').$type<JsonObject>().notNull(),
    payload_hash: text('payload_hash').notNull(),
    state: text('state', {
      enum: ['queued', 'delivered', 'acknowledged', 'rejected', 'superseded', 'expired'],
    }).notNull(),
    issued_by: text('issued_by').notNull(),
    issued_at: instant('issued_at').notNull().defaultNow(),
    delivered_at: instant('delivered_at'),
    acknowledged_at: instant('acknowledged_at'),
    expires_at: instant('expires_at'),
    reason: text('reason'),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    lease_token: uuid('lease_token'),
    lease_expires_at: instant('lease_expires_at'),
    deliveries: integer('deliveries').notNull().default(0),
    applied: json('applied').$type<JsonObject>(),
    superseded_by: text('superseded_by'),
  },
  (t) => [primaryKey({ columns: [t.run_id, t.id] })],
);

export const outbox = pgTable('outbox', {
  id: uuid('id').primaryKey(),
  run_id: uuid('run_id').notNull(),
  kind: text('kind', { enum: ['start', 'command'] }).notNull(),
  command_id: text('command_id'),
  attempts: integer('attempts').notNull().default(0),
  next_attempt_at: instant('next_attempt_at').notNull(),
  created_at: instant('created_at').notNull().defaultNow(),
});
