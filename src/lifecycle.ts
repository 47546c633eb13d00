import type { Logger } from './log.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Resolves at the first SIGINT or SIGTERM. A second one ends the process at once. */
export function untilAskedToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}

/** Runs the stops one after the other; one that fails does not keep the others from running. */
export async function stopInOrder(logger: Logger, stops: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const stop of stops)
    await stop().catch((err: unknown) => logger.error({ err }, 'a part did not stop cleanly'));
}
