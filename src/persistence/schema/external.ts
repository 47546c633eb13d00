import { bigint, doublePrecision, integer, json, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import type { Json, JsonObject } from '../../contract/json.ts';
import { AGENT_TASK_STATES, RUNTIME_STATUSES } from '../../contract/run.ts';
import { instant } from './columns.ts';

export const runHeartbeat = pgTable('run_heartbeat', {
  run_id: uuid('run_id').primaryKey(),
  at: instant('at').notNull(),
  due_at: instant('due_at'),
  status: text('status', { enum: RUNTIME_STATUSES }).notNull(),
  step: bigint('step', { mode: 'number' }).notNull(),
  checkpoint_version: bigint('checkpoint_version', { mode: 'number' }).notNull(),
  samples_per_sec: doublePrecision('samples_per_sec').notNull(),
  loss: doublePrecision('loss'),
  metrics: json('metrics').$type<JsonObject>(),
  beats: bigint('beats', { mode: 'number' }).notNull().default(1),
  stride: bigint('stride', { mode: 'number' }).notNull().default(1),
});

export const runMetric = pgTable(
  'run_metric',
  {
    run_id: uuid('run_id').notNull(),
    beat: bigint('beat', { mode: 'number' }).notNull(),
    at: instant('at').notNull(),
    step: bigint('step', { mode: 'number' }).notNull(),
    checkpoint_version: bigint('checkpoint_version', { mode: 'number' }).notNull(),
    samples_per_sec: doublePrecision('samples_per_sec').notNull(),
    loss: doublePrecision('loss'),
    metrics: json('metrics').$type<JsonObject>(),
  },
  (t) => [primaryKey({ columns: [t.run_id, t.beat] })],
);

export const agentTask = pgTable('agent_task', {
  id: uuid('id').primaryKey(),
  project_id: uuid('project_id').notNull(),
  run_id: uuid('run_id').notNull(),
  epoch: integer('epoch').notNull(),
  node: text('node').notNull(),
  item: integer('item').notNull().default(-1),
  attempt: integer('attempt').notNull(),
  capability: text('capability').notNull(),
  task: json('task').$type<Json>(),
  task_ref: text('task_ref'),
  priority: integer('priority').notNull(),
  state: text('state', { enum: AGENT_TASK_STATES }).notNull().default('open'),
  claimed_by: text('claimed_by'),
  lease_token: uuid('lease_token'),
  lease_expires_at: instant('lease_expires_at'),
  deliveries: integer('deliveries').notNull().default(0),
  outcome_hash: text('outcome_hash'),
  created_at: instant('created_at').notNull().defaultNow(),
  claimed_at: instant('claimed_at'),
  ended_at: instant('ended_at'),
});
