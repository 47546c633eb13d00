import type { Config } from './config.ts';
import type { ApiServices } from './container.ts';
import type { Logger } from './log.ts';

const SESSIONS_MS = 3_600_000;
const RATES_MS = 60_000;

/** What an API process looks at again and again. Any number of processes may: each takes what no other has. */
export function startSweeps({ runs, triggers, audit }: Config, services: ApiServices, logger: Logger) {
  const sweep_ms = runs.sweep_interval_seconds * 1_000;
  const warn = (message: string) => (err: unknown) => logger.warn({ err }, message);
  const sweeps = [
    every(
      sweep_ms,
      () => Promise.all([services.dispatch.sweep(), services.expireCommands()]),
      warn('the outbox was not swept'),
    ),
    every(RESEAL_MS, () => services.secret_upkeep.sweep(), warn('old seals were not looked for'), 0),
    every(sweep_ms, () => services.ide.refinements.sweep(), warn('refinements were not looked at')),
    every(sweep_ms, () => services.bulk.sweep(), warn('bulk commands were not looked at')),
    every(sweep_ms, () => services.admission.sweep(), warn('the waiting runs were not looked at')),
    every(SESSIONS_MS, () => services.sessions.sweep(), warn('sessions that are over were not deleted')),
    every(RATES_MS, () => services.allowances.sweep(), warn('rates that are full again were not deleted')),
    every(
      triggers.look_interval_seconds * 1_000,
      () => services.triggers.look(),
      warn('tags that moved were not looked for'),
    ),
    every(
      audit.seal_interval_seconds * 1_000,
      () => services.audit_sealer.sweep(),
      warn('the audit log was not sealed'),
    ),
  ];
  return {
    /** Resolves when what is under way has ended. */
    async stop() {
      await Promise.all(sweeps.map((sweep) => sweep.stop()));
    },
  };
}

/** Keys change when processes start; others may go on with the old one for a while. */
const RESEAL_MS = 600_000;

/** Calls `work` again and again, one at a time, `ms` after the end of the call before. */
function every(ms: number, work: () => Promise<unknown>, onError: (error: unknown) => void, first_ms = ms) {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  const next = (wait_ms = ms) => {
    timer = setTimeout(() => {
      running = work()
        .then(() => undefined, onError)
        .then(() => void (stopped || next()));
    }, wait_ms);
  };
  next(first_ms);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
