import type { FetchResponse, GuardedFetch } from '../clients/http/guarded-fetch.ts';
import { HttpFailure } from '../clients/http/http-failure.ts';
import { AppError } from '../contract/errors.ts';
import { CLOUD_EVENT_MEDIA_TYPE } from '../contract/events.ts';
import type { Metrics } from '../contract/metrics.ts';
import type {
  DueDelivery,
  DueWebhook,
  Verdict,
  WebhookDeliveryRepository,
} from '../persistence/webhook-deliveries.ts';
import { aboutWebhook } from '../persistence/secrets-seal.ts';
import type { WebhookRepository } from '../persistence/webhooks.ts';
import { cloudEventOf } from './rules/cloud-event.ts';
import { retryDelayMs } from './rules/retry-delay.ts';
import { isSealed, type SealedBox } from './sealed-box.ts';
import { signatureHeaders } from './rules/webhook-signature.ts';

interface Deps {
  webhooks: Pick<WebhookRepository, 'switchOff'>;
  deliveries: Pick<WebhookDeliveryRepository, 'claim' | 'settle'>;
  fetch: GuardedFetch;
  metrics: Pick<Metrics, 'webhookTried'>;
  /** Opens what signs; undefined where no key is set. */
  box: SealedBox | undefined;
  source: string;
  version: string;
  max_attempts: number;
  first_retry_ms: number;
  timeout_ms: number;
  clock: () => Date;
  random: () => number;
}

/** Runs of one webhook that are served at once. */
const RUNS_AT_ONCE = 10;
const MAX_RETRY_MS = 3_600_000;
/** A redirect is an answer: where events go is for the owner to say, not for the server. */
const REDIRECTS = [301, 302, 303, 307, 308];
const GONE = 410;

/** Tries deliveries that are due. */
export function webhookSender(deps: Deps) {
  const { webhooks, deliveries, fetch, metrics, max_attempts, clock } = deps;
  // Nobody else tries a delivery while its request may still be under way.
  const lease_seconds = deps.timeout_ms / 1_000 + 5;

  async function attempt(hook: DueWebhook, delivery: DueDelivery, signal: AbortSignal): Promise<void> {
    if (!delivery.event) return deliveries.settle(delivery, lost('The event was deleted.'));
    const secret = openedSecret(hook, deps.box);
    if (secret === undefined) return deliveries.settle(delivery, failed(null, UNREADABLE, delivery.attempts));
    const event = cloudEventOf(delivery.event, deps.source);
    const body = JSON.stringify(event);
    const timestamp_seconds = Math.floor(clock().getTime() / 1_000);
    const headers = {
      'content-type': CLOUD_EVENT_MEDIA_TYPE,
      'user-agent': `orchestrator/${deps.version}`,
      ...signatureHeaders(secret, { id: event.id, timestamp_seconds, body }),
    };
    const request = { method: 'POST', url: hook.url, headers, body, final_statuses: REDIRECTS } as const;
    const verdict = await fetch(request, { signal }).then(
      (answer) => judged(answer, delivery.attempts),
      (error: unknown) => (signal.aborted ? INTERRUPTED : failed(null, reasonOf(error), delivery.attempts)),
    );
    if (verdict.status === GONE) await webhooks.switchOff(hook.id, 'Its server answered 410 Gone.');
    await deliveries.settle(delivery, verdict);
    metrics.webhookTried(verdict.state);
  }

  function judged({ status, headers }: FetchResponse, attempts: number): Verdict {
    if (status >= 200 && status < 300)
      return { state: 'delivered', status, error: null, retry_seconds: null };
    if (status === GONE) return { ...lost('HTTP status 410'), status };
    return failed(status, `HTTP status ${status}`, attempts, headers['retry-after']);
  }

  function failed(status: number | null, error: string, attempts: number, retry_after?: string): Verdict {
    if (attempts >= max_attempts) return { ...lost(error), status };
    const { first_retry_ms, random } = deps;
    const delay_ms = retryDelayMs({
      failures: attempts,
      first_ms: first_retry_ms,
      max_ms: MAX_RETRY_MS,
      random: random(),
    });
    const asked_ms = /^\d{1,6}$/.test(retry_after ?? '') ? Number(retry_after) * 1_000 : 0;
    const retry_seconds = Math.min(MAX_RETRY_MS, Math.max(delay_ms, asked_ms)) / 1_000;
    return { state: 'pending', status, error, retry_seconds };
  }

  return {
    /** One round for one webhook; says how many deliveries were tried. */
    async round(hook: DueWebhook, signal: AbortSignal): Promise<number> {
      const due = await deliveries.claim(hook.id, RUNS_AT_ONCE, lease_seconds);
      await Promise.all(due.map((delivery) => attempt(hook, delivery, signal)));
      return due.length;
    },
  };
}

export type WebhookSender = ReturnType<typeof webhookSender>;

const UNREADABLE = 'The secret of the webhook cannot be read with the keys that are set.';

/** Those from before there was a key are as they are. Undefined: no key opens it. */
const openedSecret = ({ id, secret }: DueWebhook, box: SealedBox | undefined): string | undefined =>
  isSealed(secret) ? box?.open(secret, aboutWebhook(id)) : secret;

/** This process stops; another one tries at once. */
const INTERRUPTED: Verdict = { state: 'pending', status: null, error: null, retry_seconds: 0 };

const lost = (error: string): Verdict => ({ state: 'dead', status: null, error, retry_seconds: null });

/** What may be shown to the webhook's owner. */
function reasonOf(error: unknown): string {
  if (error instanceof HttpFailure || error instanceof AppError) return error.message;
  throw error;
}
