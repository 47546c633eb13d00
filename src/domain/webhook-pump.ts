import type { EventLogRepository } from '../persistence/event-log.ts';
import type { EventSinkRepository } from '../persistence/event-sinks.ts';
import type { DueWebhook, WebhookDeliveryRepository } from '../persistence/webhook-deliveries.ts';
import { WEBHOOK_SINK, type WebhookFanOutRepository } from '../persistence/webhook-fan-out.ts';
import { repeat } from './repeat.ts';
import type { WebhookSender } from './webhook-sender.ts';

interface Deps {
  fanOut: Pick<WebhookFanOutRepository, 'advance'>;
  deliveries: Pick<WebhookDeliveryRepository, 'due' | 'forgetDelivered'>;
  sinks: Pick<EventSinkRepository, 'ensure'>;
  log: Pick<EventLogRepository, 'hasUnsettled'>;
  sender: WebhookSender;
  keep_delivered_days: number;
  onError: (error: unknown) => void;
}

export interface WebhookPump {
  /** There is news of runs. */
  onNews(): void;
  /** Webhooks have changed, or deliveries are due. */
  onChange(): void;
  /** Requests under way are given up; another process sends them again. */
  stop(): Promise<void>;
}

const BATCH = 1_000;
const REST_MS = 20;
const IDLE_MS = 1_000;
/** Each has rounds of its own, so that none waits for a slow one. */
const WEBHOOKS_AT_ONCE = 200;
const FORGET_EVERY_MS = 600_000;

/** Turns the log into deliveries and sends what is due, while there are webhooks. */
export function webhookPump(deps: Deps): WebhookPump {
  const { fanOut, deliveries, sinks, log, sender, onError } = deps;
  const under_way = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let is_known = false;
  let has_webhooks = true;
  let forgot_at_ms = 0;

  async function turn(signal: AbortSignal): Promise<boolean> {
    if (!is_known) await sinks.ensure(WEBHOOK_SINK);
    is_known = true;
    for (let full = true; full && !signal.aborted;) {
      const { read, webhooks } = await fanOut.advance(BATCH);
      has_webhooks = webhooks > 0;
      full = read === BATCH;
    }
    if (!has_webhooks) return false;
    await sendDue();
    await forget();
    return log.hasUnsettled();
  }

  async function sendDue(): Promise<void> {
    const due = await deliveries.due(WEBHOOKS_AT_ONCE);
    for (const hook of due)
      if (under_way.size < WEBHOOKS_AT_ONCE && !under_way.has(hook.id)) under_way.set(hook.id, round(hook));
  }

  async function round(hook: DueWebhook): Promise<void> {
    try {
      await sender.round(hook, stopping.signal);
    } catch (error) {
      onError(error);
    } finally {
      under_way.delete(hook.id);
      // Those of the next runs may be due, or the next ones of these runs.
      repeated.ring();
    }
  }

  async function forget(): Promise<void> {
    if (Date.now() < forgot_at_ms + FORGET_EVERY_MS) return;
    forgot_at_ms = Date.now();
    await deliveries.forgetDelivered(deps.keep_delivered_days);
  }

  const repeated = repeat({ turn, rest_ms: REST_MS, idle_ms: IDLE_MS, onError });
  return {
    onNews: () => void (has_webhooks && repeated.ring()),
    onChange: () => repeated.ring(),
    async stop() {
      await repeated.stop();
      stopping.abort();
      await Promise.all(under_way.values());
    },
  };
}
