import type { JsonObject } from '../src/contract/json.ts';
import type { PlanBody } from '../src/contract/plan.ts';
import type { StepError } from '../src/contract/run.ts';
import type { WaitProgress } from '../src/contract/workflows.ts';

export interface PlannedWait {
  wait: WaitProgress;
  /** What the `step.waiting` event says about it. */
  about: JsonObject;
}

type Planned = PlannedWait | { error: StepError };

/** What a wait or an approval waits for, and until when at most. `config` is evaluated; times are in ms. */
export function planWait(node: PlanBody, config: JsonObject, now_ms: number): Planned {
  if (node.type === 'approval') return approval(node, config, now_ms);
  return config.event === undefined ? delay(node, config, now_ms) : event(node, config, now_ms);
}

function delay(node: PlanBody, { duration_seconds, until }: JsonObject, now_ms: number): Planned {
  const until_ms = typeof until === 'string' ? Date.parse(until) : undefined;
  const wait_ms = until_ms === undefined ? Number(duration_seconds) * 1_000 : Math.max(0, until_ms - now_ms);
  if (!isDuration(wait_ms)) return invalid('The wait has neither a valid duration nor a valid moment.');
  const { remaining_ms, times_out } = clock(node, wait_ms);
  return {
    wait: { remaining_ms, started_at_ms: now_ms, until_ms: times_out ? undefined : until_ms, times_out },
    about: {},
  };
}

function event(node: PlanBody, config: JsonObject, now_ms: number): Planned {
  const { event: name, timeout_seconds, on_timeout } = config;
  if (typeof name !== 'string' || name === '') return invalid('The event has no name.');
  const limit_ms = timeout_seconds === undefined ? null : Number(timeout_seconds) * 1_000;
  if (limit_ms !== null && !isDuration(limit_ms)) return invalid('timeout_seconds is no valid duration.');
  return {
    wait: {
      ...clock(node, limit_ms),
      started_at_ms: now_ms,
      awaits: { kind: 'event', name, on_timeout: on_timeout === 'continue' ? 'continue' : 'fail' },
    },
    about: { event: name },
  };
}

function approval(node: PlanBody, config: JsonObject, now_ms: number): Planned {
  const { prompt, quorum = 1, timeout_seconds, on_timeout, roles = null } = config;
  const limit_ms = timeout_seconds === undefined ? null : Number(timeout_seconds) * 1_000;
  return {
    wait: {
      ...clock(node, limit_ms),
      started_at_ms: now_ms,
      awaits: {
        kind: 'approval',
        quorum: Number(quorum),
        on_timeout: on_timeout === 'approve' ? 'approve' : 'reject',
        approvals: [],
      },
    },
    about: { prompt: prompt ?? null, quorum, roles },
  };
}

/** The node's own timeout ends a wait that would go on for longer; null is for ever. */
function clock(node: PlanBody, wait_ms: number | null): Pick<WaitProgress, 'remaining_ms' | 'times_out'> {
  const limit_ms = node.timeout_seconds === undefined ? null : node.timeout_seconds * 1_000;
  const times_out = limit_ms !== null && (wait_ms === null || limit_ms < wait_ms);
  return { remaining_ms: times_out ? limit_ms : wait_ms, times_out };
}

const isDuration = (ms: number) => Number.isFinite(ms) && ms >= 0;

const invalid = (message: string) => ({ error: { code: 'expression_error', message } });
