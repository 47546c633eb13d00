import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from './log.ts';

/** Sends what the Temporal SDK says through the process's own log, and leaves signals to us. Once per process. */
export function installTemporalRuntime(logger: Logger): void {
  const child = logger.child({ component: 'temporal' });
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const { error, ...rest } = (meta ?? {}) as { error?: unknown };
      child[level === 'ERROR' ? 'error' : 'warn']({ ...rest, ...(error ? { err: error } : {}) }, message);
    }),
  });
}
