import type { Verdict } from './verdict.ts';

/** What the program gets to tidy up before it is killed. */
const GRACE_MS = 2_000;

interface Stop {
  terminate(): void;
  kill(): void;
}

/** Once `signal` aborts: asks the program to end, and kills it two seconds later. */
export function stopOnAbort(
  signal: AbortSignal | undefined,
  verdict: Verdict,
  stop: Stop,
): { dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    if (!verdict.claim(causeOf(signal))) return;
    stop.terminate();
    timer = setTimeout(() => stop.kill(), GRACE_MS);
  };
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return {
    dispose: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** A worker that shuts down says so as the reason of its signal: `WORKER_SHUTDOWN`, as text or as an error. */
export function causeOf(signal: AbortSignal | undefined): 'cancelled' | 'worker_shutdown' {
  const reason: unknown = signal?.reason;
  const text = reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : '';
  return /worker_shutdown/i.test(text) ? 'worker_shutdown' : 'cancelled';
}
