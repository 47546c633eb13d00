import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { temporalRuns, type TemporalRuns } from './clients/temporal.ts';
import type { Config } from './config.ts';

export interface TemporalLink {
  connection: NativeConnection;
  runs: TemporalRuns;
  close(): Promise<void>;
}

/**
 * One connection to Temporal for client and workers alike. `eager`: a worker of the same task queue is in this process, so
 * that the first task of a run comes back with its start.
 */
export async function connectTemporal(config: Config, address: string, { eager }: { eager: boolean }): Promise<TemporalLink> {
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection, namespace: config.temporal.namespace });
  return {
    connection,
    runs: temporalRuns(client, { task_queue: config.temporal.task_queue, eager }),
    close: () => connection.close(),
  };
}
