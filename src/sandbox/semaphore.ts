export interface Semaphore {
  /** Waits for a place; resolves with the function that gives it back, or null when `signal` aborts first. */
  acquire(signal?: AbortSignal): Promise<(() => void) | null>;
}

/** At most `places` holders at a time, first come first served. */
export function semaphore(places: number): Semaphore {
  let free = places;
  const waiting: (() => void)[] = [];

  function release(): void {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }

  function onceReleased(): () => void {
    let held = true;
    return () => {
      if (held) release();
      held = false;
    };
  }

  function acquire(signal?: AbortSignal): Promise<(() => void) | null> {
    if (signal?.aborted) return Promise.resolve(null);
    if (free > 0) {
      free -= 1;
      return Promise.resolve(onceReleased());
    }
    return new Promise((resolve) => {
      const granted = (): void => {
        signal?.removeEventListener('abort', gaveUp);
        resolve(onceReleased());
      };
      const gaveUp = (): void => {
        const at = waiting.indexOf(granted);
        if (at >= 0) waiting.splice(at, 1);
        resolve(null);
      };
      waiting.push(granted);
      signal?.addEventListener('abort', gaveUp, { once: true });
    });
  }

  return { acquire };
}
