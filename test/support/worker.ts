import { connectTemporal } from '../../src/clients/temporal-link.ts';
import type { Config } from '../../src/config.ts';
import { codecSecrets } from '../../src/config-temporal.ts';
import { NO_METRICS } from '../../src/contract/metrics.ts';
import { createLogger } from '../../src/log.ts';
import { openDatabase } from '../../src/persistence/db.ts';
import { startInterpreterWorker } from '../../worker/start.ts';
import { testTemporal } from './stack.ts';

export interface TestWorker {
  stop(): Promise<void>;
}

/** One more workflow worker in this process, on a database that something else serves. */
export async function startWorker(config: Config, database_url: string): Promise<TestWorker> {
  const logger = createLogger({ level: process.env.TEST_LOG_LEVEL ?? 'silent', service_name: 'test' });
  const database = openDatabase({ url: database_url, max_connections: 10 });
  const { namespace, task_queue } = config.temporal;
  const temporal = await connectTemporal({
    address: testTemporal(),
    namespace,
    task_queue,
    eager: false,
    codec: codecSecrets(config.temporal),
  });
  const worker = await startInterpreterWorker({
    config,
    db: database.db,
    logger,
    metrics: NO_METRICS,
    temporal,
  });
  return {
    async stop() {
      await worker.stop();
      await temporal.close();
      await database.close();
    },
  };
}
