import type { EventTarget, LogPosition } from '../contract/events.ts';
import type { Metrics } from '../contract/metrics.ts';
import type { EventLogRepository } from '../persistence/event-log.ts';
import type { EventSinkRepository, SinkLease } from '../persistence/event-sinks.ts';
import { cloudEventOf } from './rules/cloud-event.ts';
import { retryDelayMs } from './rules/retry-delay.ts';
import { repeat, type Repeated } from './repeat.ts';

interface Deps {
  target: EventTarget;
  log: Pick<EventLogRepository, 'after' | 'hasUnsettled'>;
  sinks: EventSinkRepository;
  metrics: Pick<Metrics, 'eventsSent' | 'sinkFailed'>;
  source: string;
  onError: (error: unknown, sink: string) => void;
  random?: () => number;
}

const BATCH = 500;
const REST_MS = 20;
const IDLE_MS = 1_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 60_000;
/** Well below the lease: what takes longer has failed, and is sent again. */
const PUBLISH_TIMEOUT_MS = 10_000;

/**
 * Sends the log to a target: in order, at least once, one process at a time. A target that fails is left alone for a while, its
 * place in the log stays, and nobody waits for it.
 */
export function eventPump(deps: Deps): Repeated {
  const { target, log, sinks, metrics, source, onError, random = Math.random } = deps;
  let is_known = false;

  async function turn(signal: AbortSignal): Promise<boolean> {
    if (!is_known) await sinks.ensure(target.name);
    is_known = true;
    const lease = await sinks.claim(target.name);
    if (!lease) return false;
    try {
      if (!(await sendAll(lease, signal))) return false;
    } catch (error) {
      metrics.sinkFailed(target.name);
      const delay_ms = retryDelayMs({
        failures: lease.failures + 1,
        first_ms: FIRST_RETRY_MS,
        max_ms: MAX_RETRY_MS,
        random: random(),
      });
      await sinks.rest(lease, delay_ms / 1_000, messageOf(error));
      onError(error, target.name);
      return false;
    }
    await sinks.release(lease);
    return log.hasUnsettled();
  }

  /** False when another process has taken over. */
  async function sendAll(lease: SinkLease, signal: AbortSignal): Promise<boolean> {
    let position: LogPosition = lease.position;
    for (let full = true; full && !signal.aborted;) {
      const events = await log.after(position, BATCH);
      full = events.length === BATCH;
      const last = events.at(-1);
      if (!last) return true;
      await withTimeout(target.publish(events.map((event) => cloudEventOf(event, source))));
      if (!(await sinks.advance(lease, last))) return false;
      metrics.eventsSent(target.name, events.length);
      position = last;
    }
    return true;
  }

  return repeat({
    turn,
    rest_ms: REST_MS,
    idle_ms: IDLE_MS,
    onError: (error) => onError(error, target.name),
  });
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PUBLISH_TIMEOUT_MS);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
