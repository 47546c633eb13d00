import { setTimeout as pause } from 'node:timers/promises';

/** Repeats until the attempt stops throwing; after the limit its last error is thrown. */
export async function eventually<T>(attempt: () => T | Promise<T>, limit_ms = 120_000): Promise<T> {
  const deadline = Date.now() + limit_ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(50);
    }
  }
}
