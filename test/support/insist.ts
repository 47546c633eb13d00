import { setTimeout as pause } from 'node:timers/promises';
import type { Answer, ApiClient } from './api-client.ts';

/** A client that does not give up while parts of the product are away. */
export interface InsistentClient {
  /** Asks until there is an answer other than 503. With a key it is one request, however often it is sent. */
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<Answer<T>>;
  /** Every status that was answered, and how often; 0 for a connection that broke or was refused. */
  statuses: Map<number, number>;
  /** What was answered against the rules: a 503 without `Retry-After`, or any other 5xx. */
  offences: string[];
}

const AGAIN_MS = 100;

export function insistent(api: Pick<ApiClient, 'call'>): InsistentClient {
  const statuses = new Map<number, number>();
  const offences: string[] = [];
  const note = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);

  return {
    statuses,
    offences,
    async call<T>(method: string, path: string, body?: unknown, key?: string) {
      const headers: Record<string, string> = key ? { 'idempotency-key': key } : {};
      for (;;) {
        const answer = await api.call<T>(method, path, body, headers).catch(() => undefined);
        note(answer?.status ?? 0);
        if (answer && answer.status >= 500 && !(answer.status === 503 && answer.headers.get('retry-after')))
          offences.push(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
        const code = (answer?.body as { code?: string } | undefined)?.code;
        // Whoever sent it first has died, and its lock with it, or is still at it.
        const is_under_way = answer?.status === 409 && code === 'idempotency_in_flight';
        if (answer && answer.status < 500 && !is_under_way) return answer;
        await pause(AGAIN_MS);
      }
    },
  };
}
