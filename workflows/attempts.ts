import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow';
import { ERROR_CATALOGUE, type ErrorCode } from '../src/contract/errors.ts';
import type { NodeResult, NodeTask } from '../src/contract/activities.ts';
import type { PlanNode, PlanRetry } from '../src/contract/plan.ts';
import type { RunFacts, StepError } from '../src/contract/run.ts';
import { nodeActivities } from './options.ts';
import { taskScope, type Values } from './values.ts';

/** How an attempt ended, and whether its activity had the chance to write its row. */
export interface AttemptEnd extends NodeResult {
  attempt: number;
  recorded: boolean;
  /** The engine could not carry it out, as opposed to the work having failed. */
  engine: boolean;
}

interface AttemptsOptions {
  run: RunFacts;
  epoch: number;
  version_hash: string;
  code_task_queue: string;
  values: Values;
  /** Attempts made by earlier executions of this run. */
  made: Record<string, number>;
  onEnd: (node: PlanNode, end: AttemptEnd) => void;
  /** Another attempt is due; called when its back-off is over. */
  onRetry: (node: PlanNode) => void;
}

/** The nodes that have an activity: one attempt at a time each, with back-off between them. */
export interface Attempts {
  start(node: PlanNode): void;
  /** True when the policy allows another attempt, which is then under way. */
  retry(node: PlanNode, end: AttemptEnd): { in_ms: number } | undefined;
  in_flight(): number;
  /** An attempt of this node was made before. */
  isRetry(id: string): boolean;
  cancelAll(): void;
  /** Drops back-offs: nothing new is dispatched after a failure. Answers the ids. */
  cancelRetries(): string[];
  made(): Record<string, number>;
}

export function createAttempts(options: AttemptsOptions): Attempts {
  const made = new Map(Object.entries(options.made));
  const running = new Map<string, CancellationScope>();
  const resting = new Map<string, CancellationScope>();

  function start(node: PlanNode): void {
    const attempt = (made.get(node.id) ?? 0) + 1;
    made.set(node.id, attempt);
    const scope = new CancellationScope();
    running.set(node.id, scope);
    const activities = nodeActivities(node, node.type === 'code' ? options.code_task_queue : undefined);
    const task = taskOf(node, attempt, options);
    void scope
      .run(() => (node.type === 'code' ? activities.code(task) : activities.http(task)))
      .then((result): AttemptEnd => ({ ...result, attempt, recorded: true, engine: result.engine ?? false }))
      .catch((error: unknown) => ({ ...failedAttempt(error), attempt }))
      .then((end) => {
        running.delete(node.id);
        options.onEnd(node, end);
      });
  }

  function rest(node: PlanNode, in_ms: number): void {
    const scope = new CancellationScope();
    resting.set(node.id, scope);
    scope
      .run(() => sleep(in_ms))
      .then(() => {
        resting.delete(node.id);
        options.onRetry(node);
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }

  return {
    start,
    retry(node, end) {
      if (end.state !== 'failed' || !mayRetry(node.retry, end)) return undefined;
      const in_ms = backoffMs(node.retry, end.attempt);
      rest(node, in_ms);
      return { in_ms };
    },
    in_flight: () => running.size,
    isRetry: (id) => made.has(id),
    cancelAll: () => running.forEach((scope) => scope.cancel()),
    cancelRetries() {
      const ids = [...resting.keys()];
      resting.forEach((scope) => scope.cancel());
      resting.clear();
      return ids;
    },
    made: () => Object.fromEntries(made),
  };
}

function taskOf(node: PlanNode, attempt: number, options: AttemptsOptions): NodeTask {
  const { run, epoch, version_hash, values } = options;
  const scope = taskScope(values, node.roots);
  return { run, epoch, version_hash, node: node.id, item: -1, attempt, scope, now_ms: Date.now() };
}

function mayRetry(retry: PlanRetry, end: AttemptEnd): boolean {
  if (end.attempt >= retry.max_attempts || end.engine) return false;
  const names = [end.error?.code, end.cause];
  return !retry.non_retryable.some((name) => names.includes(name));
}

/** Milliseconds before the attempt after `attempt`. */
function backoffMs(retry: PlanRetry, attempt: number): number {
  return Math.min(retry.max_interval_ms, retry.initial_interval_ms * retry.backoff ** (attempt - 1));
}

/** An activity that could not answer: cancelled, out of time, or refused by the engine. */
function failedAttempt(error: unknown): Omit<AttemptEnd, 'attempt'> {
  const output = { value: null };
  if (isCancellation(error))
    return { state: 'cancelled', output, error: null, recorded: false, engine: false };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    const timeout: StepError = { code: 'timeout', message: 'The step ran longer than its timeout.' };
    return { state: 'failed', output, error: timeout, cause: 'timeout', recorded: false, engine: false };
  }
  if (!(cause instanceof ApplicationFailure)) {
    const lost: StepError = { code: 'internal', message: 'The step could not be carried out.' };
    return { state: 'failed', output, error: lost, recorded: false, engine: true };
  }
  const code = cause.type ?? 'internal';
  return {
    state: 'failed',
    output,
    error: { code, message: cause.message },
    recorded: false,
    engine: isOurs(code),
  };
}

/** Whether an error code is trouble of the engine, as opposed to a step that asks for what it may not have. */
function isOurs(code: string): boolean {
  const family = ERROR_CATALOGUE[code as ErrorCode]?.family ?? 'internal';
  return ['internal', 'unavailable', 'not_implemented'].includes(family);
}
