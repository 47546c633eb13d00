import { setTimeout as pause } from 'node:timers/promises';
import { DemoCallError, type DemoClient } from './demo-client.ts';

/** One entry of a run's public log. */
export interface RunEvent {
  seq: number;
  type: string;
  time: string;
  data: Record<string, unknown>;
}

const LAST_EVENTS = new Set(
  ['completed', 'failed', 'errored', 'terminated', 'cancelled'].map((state) => `run.${state}`),
);
const RECONNECT_MS = 300;
const MOST_FAILURES = 20;

/**
 * Follows a run to its last event. A broken connection is taken up again after the last event seen, as any client
 * of the stream should do; the sequence numbers have no gap, so one that is missing is an error.
 */
export async function followRun(
  client: DemoClient,
  run_id: string,
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  let seen = 0;
  for (let failures = 0; failures < MOST_FAILURES; failures++) {
    const stop = new AbortController();
    try {
      const body = await client.openStream(`/runs/${run_id}/events/stream`, seen, stop.signal);
      for await (const event of readEvents(body)) {
        if (event.seq !== seen + 1) throw new RangeError(`event ${event.seq} came after event ${seen}`);
        seen = event.seq;
        failures = 0;
        onEvent(event);
        if (LAST_EVENTS.has(event.type)) return;
      }
    } catch (error) {
      if (!isConnectionTrouble(error)) throw error;
    } finally {
      stop.abort();
    }
    await pause(RECONNECT_MS);
  }
  throw new Error(`The event stream of run ${run_id} broke off ${MOST_FAILURES} times in a row`);
}

/** The JSON of each `data:` block of a server-sent event stream (WHATWG HTML §9.2). */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<RunEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = dataOf(block);
      if (data !== '') yield JSON.parse(data) as RunEvent;
    }
  }
}

/** Several data lines make one text; comments (keep-alive) and other fields don't count. */
function dataOf(block: string): string {
  return block
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n');
}

/** fetch reports a lost connection as a TypeError with a cause; a server that is just coming back answers 5xx. */
function isConnectionTrouble(error: unknown): boolean {
  if (error instanceof DemoCallError) return error.status >= 502;
  const { name, cause } = error as Error;
  return name === 'TypeError' && cause !== undefined;
}
