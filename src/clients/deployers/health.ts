import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { GuardedFetch } from '../http/guarded-fetch.ts';

/** How an environment tells that what was deployed works. */
export const healthSettings = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2_048),
  status: z.int().min(100).max(599).default(200),
  /** Text that the answer holds. */
  contains: z.string().min(1).max(1_000).optional(),
  /** For coming up. */
  wait_ms: z.int().min(100).max(1_800_000).default(60_000),
});
export type HealthSettings = z.output<typeof healthSettings>;

export interface HealthEvidence {
  url: string;
  healthy: boolean;
  attempts: number;
  status: number | null;
  /** The beginning of the last answer, or why there was none. */
  detail: string;
}

const POLL_MS = 200;
const CALL_MS = 10_000;
const DETAIL_CHARS = 500;

/** Asks until the answer is right or the time is over. Rejects only with the reason of `signal`. */
export async function waitUntilHealthy(
  settings: HealthSettings,
  fetch: GuardedFetch,
  signal: AbortSignal = new AbortController().signal,
): Promise<HealthEvidence> {
  const end_ms = Date.now() + settings.wait_ms;
  for (let attempts = 1; ; attempts += 1) {
    const seen = await ask(settings, fetch, signal);
    if (seen.healthy || Date.now() >= end_ms) return { ...seen, attempts };
    await pause(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Asks once. */
async function ask(
  { url, status, contains }: HealthSettings,
  fetch: GuardedFetch,
  signal: AbortSignal,
): Promise<Omit<HealthEvidence, 'attempts'>> {
  const shown = withoutQuery(url);
  try {
    const call = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    const answer = await fetch({ method: 'GET', url }, { signal: call });
    const text = Buffer.from(answer.body).toString('utf8');
    const healthy = answer.status === status && (contains === undefined || text.includes(contains));
    return { url: shown, healthy, status: answer.status, detail: text.slice(0, DETAIL_CHARS) };
  } catch (error) {
    signal.throwIfAborted();
    return {
      url: shown,
      healthy: false,
      status: null,
      detail: (error as Error).message.slice(0, DETAIL_CHARS),
    };
  }
}

/** A query may hold a key. */
const withoutQuery = (url: string): string => url.split('?')[0]!;
