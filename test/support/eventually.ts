import { setTimeout as pause } from 'node:timers/promises';

/** What `look` finds, once it is something; fails with the last thing seen when it never is. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  seconds = 120,
): Promise<T> {
  const end_ms = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end_ms) throw new Error(`it never came to that: ${look.toString()}`);
    await pause(20);
  }
}
