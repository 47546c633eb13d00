import type { Json, JsonObject } from './json.ts';

export const RUN_STATES = [
  'queued',
  'provisioning',
  'running',
  'paused',
  'terminating',
  'completed',
  'failed',
  'errored',
  'terminated',
  'cancelled',
] as const;
export type RunState = (typeof RUN_STATES)[number];

export const FINAL_STATES = [
  'completed',
  'failed',
  'errored',
  'terminated',
  'cancelled',
] as const satisfies RunState[];
export type FinalState = (typeof FINAL_STATES)[number];

export function isFinal(state: RunState): state is FinalState {
  return (FINAL_STATES as readonly RunState[]).includes(state);
}

/** Every change of state a run may make; what is not here cannot happen (contract §4). */
export const RUN_TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ['provisioning', 'running', 'paused', 'terminating', ...FINAL_STATES],
  provisioning: ['running', 'paused', 'terminating', ...FINAL_STATES],
  running: ['paused', 'terminating', ...FINAL_STATES],
  // `queued` again: one that was paused before it was admitted.
  paused: ['queued', 'running', 'terminating', ...FINAL_STATES],
  terminating: ['terminated', 'cancelled', 'errored'],
  completed: [],
  failed: [],
  errored: [],
  terminated: [],
  cancelled: [],
};

export const RUN_TYPES = [
  'dag',
  'intent_processing',
  'code_execution',
  'code_analysis',
  'code_review',
  'deployment',
] as const;
export type RunType = (typeof RUN_TYPES)[number];

export const STEP_STATES = [
  'pending',
  'running',
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
  'waiting',
] as const;
export type StepState = (typeof STEP_STATES)[number];

/** What a runtime outside says it is doing. */
export const RUNTIME_STATUSES = ['running', 'paused', 'terminating', 'errored'] as const;
export type RuntimeStatus = (typeof RUNTIME_STATUSES)[number];

export const AGENT_TASK_STATES = ['open', 'claimed', 'done', 'cancelled'] as const;
export type AgentTaskState = (typeof AGENT_TASK_STATES)[number];

/** What controls a run (contract §5). */
export const CONTROL_TYPES = ['pause', 'resume', 'terminate', 'tune', 'cancel'] as const;
/** What a run is told by commands: control, the events it waits for, people's decisions, and what agents have done. */
export const COMMAND_TYPES = [...CONTROL_TYPES, 'event', 'decide', 'complete'] as const;
export type CommandType = (typeof COMMAND_TYPES)[number];

/** Nobody has said yet what became of a command in this state. */
export const isUnanswered = ({ state }: { state: string }): boolean =>
  state === 'queued' || state === 'delivered';

/** Why a step or a run did not succeed; safe to show. */
export interface StepError {
  code: string;
  message: string;
}

export interface RunError extends StepError {
  step?: string;
}

/** One attempt of one node: with run and epoch, the key of a step row. `item` is -1 outside a map. */
export interface StepKey {
  node: string;
  item: number;
  attempt: number;
}

/** What expressions see as `run`. */
export interface RunFacts {
  id: string;
  workflow: string;
  project_id: string;
  created_at: string;
}

/**
 * A value as the workflow holds it: itself up to 32 KiB; above that it stands in the step row (or its blob) and only
 * activities read it.
 */
export type HeldValue = { value: Json } | { stored: true };

export function isStored(held: HeldValue): held is { stored: true } {
  return 'stored' in held;
}

/** What expressions see as `steps.<id>`, as far as the workflow holds it. */
export interface HeldStep {
  state: StepState;
  output: HeldValue;
  error: StepError | null;
}

/** The element a map's body works on: itself, or where it stands in the list the map's step keeps. */
export type ItemSource = { value: Json } | { node: string; index: number };

/** The values a config is evaluated with; `stored` makes the activity read them from the database. */
export type TaskScope =
  | {
      kind: 'inline';
      input: Json;
      params: JsonObject;
      steps: Record<string, { state: StepState; output: Json; error: StepError | null }>;
      item?: Json;
    }
  | { kind: 'stored'; item?: ItemSource };
