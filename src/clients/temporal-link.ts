import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { temporalRuns, type TemporalRuns } from './temporal.ts';

export type { TemporalRuns } from './temporal.ts';

export interface TemporalLink {
  connection: NativeConnection;
  runs: TemporalRuns;
  close: () => Promise<void>;
}

export interface TemporalPlace {
  /** host:port of the frontend. */
  address: string;
  namespace: string;
  task_queue: string;
  /** A worker of the same task queue is in this process: the first task of a run comes back with its start. */
  eager: boolean;
}

/** One connection to Temporal, for client and workers alike. */
export async function connectTemporal({ address, namespace, task_queue, eager }: TemporalPlace): Promise<TemporalLink> {
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection, namespace });
  return { connection, runs: temporalRuns(client, { task_queue, eager }), close: () => connection.close() };
}

/** What the Temporal SDK has to say, and how it is said. */
export type SdkLog = (level: 'warn' | 'error', message: string, about: Record<string, unknown>) => void;

/** Sends what the Temporal SDK says through the process's own log, and leaves signals to us. Once per process. */
export function installTemporalRuntime(log: SdkLog): void {
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const { error, ...rest } = (meta ?? {}) as { error?: unknown };
      log(level === 'ERROR' ? 'error' : 'warn', message, { ...rest, ...(error ? { err: error } : {}) });
    }),
  });
}
