import type { Config } from './config.ts';
import type { ApiServices } from './container.ts';
import type { Logger } from './log.ts';

/** What an API process looks at again and again. Any number of processes may: each takes what no other has. */
export function startSweeps({ runs, triggers }: Config, services: ApiServices, logger: Logger) {
  const sweep_ms = runs.sweep_interval_seconds * 1_000;
  const warn = (message: string) => (err: unknown) => logger.warn({ err }, message);
  const sweeps = [
    every(
      sweep_ms,
      () => Promise.all([services.dispatch.sweep(), services.expireCommands()]),
      warn('the outbox was not swept'),
    ),
    every(sweep_ms, () => services.bulk.sweep(), warn('bulk commands were not looked at')),
    every(sweep_ms, () => services.admission.sweep(), warn('the waiting runs were not looked at')),
    every(
      triggers.look_interval_seconds * 1_000,
      () => services.triggers.look(),
      warn('tags that moved were not looked for'),
    ),
  ];
  return {
    /** Resolves when what is under way has ended. */
    async stop() {
      await Promise.all(sweeps.map((sweep) => sweep.stop()));
    },
  };
}

/** Calls `work` again and again, one at a time, `ms` after the end of the call before. */
function every(ms: number, work: () => Promise<unknown>, onError: (error: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  const next = () => {
    timer = setTimeout(() => {
      running = work()
        .then(() => undefined, onError)
        .then(() => void (stopped || next()));
    }, ms);
  };
  next();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
