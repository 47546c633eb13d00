export interface Asked<T> {
  found: T | undefined;
  /** When to ask again although nothing was announced; undefined: only the end of the wait counts. */
  again_in_ms?: number;
}

export interface Wait {
  seconds: number;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

/**
 * Asks until something is found or the time is up: at once, whenever `follow`'s `wake` is called, and when the last
 * answer said. Whoever has gone is not asked for: what is found would be lost on them.
 */
export async function longPoll<T>(
  ask: () => Promise<Asked<T>>,
  follow: (wake: () => void) => () => void,
  { seconds, signal }: Wait,
): Promise<T | undefined> {
  const until = Date.now() + seconds * 1_000;
  let wake = () => {};
  const stop = follow(() => wake());
  // Once, not for each question: what listens would pile up while much is announced.
  const gone = aborted(signal);
  try {
    for (;;) {
      // Before the question: what happens while it is under way must not be slept through.
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const { found, again_in_ms = Infinity } = await ask();
      const left = until - Date.now();
      if (found !== undefined || left <= 0) return found;
      await Promise.race([woken, after(Math.min(left, Math.max(1, again_in_ms))), gone]);
      if (signal.aborted) return undefined;
    }
  } finally {
    stop();
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
