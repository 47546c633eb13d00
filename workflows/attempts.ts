import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  patched,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow';
import { ERROR_CATALOGUE, type ErrorCode } from '../src/contract/errors.ts';
import type { NodeResult } from '../src/contract/activities.ts';
import type { PlanRetry } from '../src/contract/plan.ts';
import type { StepError } from '../src/contract/run.ts';
import { mayRetry } from '../src/language/retry.ts';
import type { Unit } from './unit.ts';

/** How an attempt ended, and whether its activity had the chance to write its row. */
export interface AttemptEnd extends NodeResult {
  attempt: number;
  recorded: boolean;
  /** The engine could not carry it out, as opposed to the work having failed. */
  engine: boolean;
}

interface AttemptsOptions {
  /** Attempts made by earlier executions of this run. */
  made: Record<string, number>;
  /** Does the work of one attempt, outside the workflow. */
  carryOut: (unit: Unit, attempt: number) => Promise<NodeResult>;
  onEnd: (unit: Unit, end: AttemptEnd) => void;
  /** Another attempt is due; called when its back-off is over. */
  onRetry: (unit: Unit) => void;
}

/** What is carried out outside the workflow: one attempt at a time of each unit, with back-off between them. */
export interface Attempts {
  start(unit: Unit): void;
  /** Counts an attempt that is not carried out here; answers its number. */
  count(unit: Unit): number;
  /** When the policy allows another attempt, it is under way from then on. */
  retry(unit: Unit, end: Tried): { in_ms: number } | undefined;
  in_flight(): number;
  /** The number of the newest attempt, 1 for what is not counted. */
  last(unit: Unit): number;
  /** An attempt of this unit was made before. */
  isRetry(unit: Unit): boolean;
  /** The unit has ended for good. */
  forget(unit: Unit): void;
  /** Cancels what is under way, but for what is carried out on every path. */
  cancelAll(): void;
  /** Cancels the attempts of those that match. */
  cancel(matches: (unit: Unit) => boolean): void;
  /** Drops back-offs: nothing new is dispatched after a failure. Answers the units. */
  cancelRetries(): Unit[];
  made(): Record<string, number>;
}

export type Tried = Pick<AttemptEnd, 'state' | 'attempt' | 'engine' | 'error' | 'cause'>;

export function createAttempts(options: AttemptsOptions): Attempts {
  const made = new Map(Object.entries(options.made));
  const running = new Map<string, { unit: Unit; scope: CancellationScope }>();
  const resting = new Map<string, { unit: Unit; scope: CancellationScope }>();

  function count({ key }: Unit): number {
    const attempt = (made.get(key) ?? 0) + 1;
    made.set(key, attempt);
    return attempt;
  }

  function start(unit: Unit): void {
    const attempt = count(unit);
    const scope = new CancellationScope();
    running.set(unit.key, { unit, scope });
    void scope
      .run(() => options.carryOut(unit, attempt))
      .then((result): AttemptEnd => ({ ...result, attempt, recorded: true, engine: result.engine ?? false }))
      .catch((error: unknown) => ({ ...failedAttempt(error, scope), attempt }))
      .then((end) => {
        running.delete(unit.key);
        options.onEnd(unit, end);
      });
  }

  function rest(unit: Unit, in_ms: number): void {
    const scope = new CancellationScope();
    resting.set(unit.key, { unit, scope });
    scope
      .run(() => sleep(in_ms))
      .then(() => {
        resting.delete(unit.key);
        options.onRetry(unit);
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }

  return {
    start,
    count,
    retry(unit, end) {
      const { retry } = unit.body;
      if (end.state !== 'failed' || !mayRetry(retry, end)) return undefined;
      const in_ms = backoffMs(retry, end.attempt);
      rest(unit, in_ms);
      return { in_ms };
    },
    in_flight: () => running.size,
    last: ({ key }) => made.get(key) ?? 1,
    isRetry: ({ key }) => made.has(key),
    forget: ({ key }) => void made.delete(key),
    cancelAll: () => running.forEach(({ unit, scope }) => unit.node.finally || scope.cancel()),
    cancel: (matches) => running.forEach(({ unit, scope }) => matches(unit) && scope.cancel()),
    cancelRetries() {
      const units = [...resting.values()].map(({ unit }) => unit);
      resting.forEach(({ scope }) => scope.cancel());
      resting.clear();
      return units;
    },
    made: () => Object.fromEntries(made),
  };
}

/** Milliseconds before the attempt after `attempt`. */
function backoffMs(retry: PlanRetry, attempt: number): number {
  return Math.min(retry.max_interval_ms, retry.initial_interval_ms * retry.backoff ** (attempt - 1));
}

/**
 * Whether it was told to stop. What else an attempt fails with from then on does not count: its worker may be gone, and
 * Temporal tries nothing again that is to be cancelled.
 */
function wasStopped(scope: CancellationScope): boolean {
  return scope.consideredCancelled && patched('stopped-is-cancelled');
}

/** An activity that could not answer: cancelled, out of time, or refused by the engine. */
function failedAttempt(error: unknown, scope: CancellationScope): Omit<AttemptEnd, 'attempt'> {
  const output = { value: null };
  if (isCancellation(error) || wasStopped(scope))
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
