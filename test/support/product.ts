import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { loadConfig, type Config } from '../../src/config.ts';
import { codecSecrets } from '../../src/config-temporal.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { openDatabase, type Database } from '../../src/persistence/db.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { temporalOf } from '../../src/process.ts';
import { serveApi } from '../../src/serve.ts';
import { connectTemporal, installTemporalRuntime } from '../../src/clients/temporal-link.ts';
import { NO_METRICS } from '../../src/contract/metrics.ts';
import { startAgent, startInterpreterWorker } from '../../worker/start.ts';
import { apiClient, type ApiClient } from './api-client.ts';
import { testDatabase } from './database.ts';
import { sharedBundles } from './shared-bundles.ts';
import { testTemporal } from './stack.ts';

export interface Product extends ApiClient {
  config: Config;
  database: Database;
  database_url: string;
  stop(): Promise<void>;
}

export interface ProductOptions {
  /** Further settings, by environment name. */
  env?: Record<string, string>;
  /** Starts a code worker with a sandbox as well. */
  code?: boolean;
  /** Without it nothing runs the workflows. */
  worker?: boolean;
  /** Of the administrator, who signs in with it. */
  admin_password?: string;
  /** Takes every line of the log, of every level. */
  onLog?: (line: string) => void;
  /** Called with every SQL statement. */
  onStatement?: (sql: string) => void;
  /** The test has made the Temporal SDK's runtime, of which there is one in a process. */
  has_runtime?: boolean;
  /** Where spans go; without it nothing is traced. */
  tracing?: Parameters<typeof connectTemporal>[0]['tracing'];
}

let runtime_installed = false;

const TOKEN = 'test-token-test-token-test-token-0123';

/** API and workers in this process, on a database and task queues of their own, over the shared Temporal server. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const { code = false, worker = true, env = {}, onStatement, onLog, tracing } = options;
  const test_database = await testDatabase();
  const data_dir = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-product-'));
  const config = testConfig(data_dir, env);
  const logger = createLogger({
    level: onLog ? 'trace' : (process.env.TEST_LOG_LEVEL ?? 'silent'),
    service_name: 'test',
    ...(onLog && { destination: { write: onLog } }),
  });
  if (!runtime_installed && !options.has_runtime)
    installTemporalRuntime((level, message, about) => logger[level](about, message));
  runtime_installed = true;
  const database = openDatabase({ url: test_database.url, max_connections: 20, onStatement });
  const { namespace, task_queue } = config.temporal;
  const temporal = await connectTemporal({
    address: testTemporal(),
    namespace,
    task_queue,
    eager: worker,
    tracing,
    codec: codecSecrets(config.temporal),
  });
  const base = { config, db: database.db, logger, metrics: NO_METRICS };
  const linked = { ...base, temporal };
  const sandbox = code
    ? await createSandbox({ environment: 'test', cache_dir: data_dir, search_path: process.env.PATH })
    : undefined;
  const workers = [
    ...(worker
      ? [await startInterpreterWorker({ ...linked, config: { ...config, data_dir: sharedBundles() } })]
      : []),
    ...(sandbox ? [await startAgent({ ...linked, onRestart: () => undefined }, sandbox)] : []),
  ];
  const api = await serveApi({
    ...base,
    ...temporalOf(temporal),
    database_url: test_database.url,
    token: TOKEN,
    jwt_secret: TOKEN,
    admin_password: options.admin_password,
    tracing: tracing !== undefined,
    sandbox: () => sandbox?.report ?? null,
  });
  return {
    ...apiClient(api.url, TOKEN),
    config,
    database,
    database_url: test_database.url,
    async stop() {
      await api.stop();
      await Promise.all(workers.map((w) => w.stop()));
      await temporal.close();
      await database.close();
      await test_database.drop();
      await rm(data_dir, { recursive: true, force: true });
    },
  };
}

function testConfig(data_dir: string, env: Record<string, string>): Config {
  return loadConfig(
    {
      ORCHESTRATOR_SERVER_PORT: '0',
      ORCHESTRATOR_SERVER_SHUTDOWN_GRACE_SECONDS: '3',
      ORCHESTRATOR_DATA_DIR: data_dir,
      ORCHESTRATOR_TEMPORAL_TASK_QUEUE: `test-${newId()}`,
      ORCHESTRATOR_LIMITS_RATE_PER_SECOND: '100000',
      ORCHESTRATOR_LIMITS_RATE_BURST: '100000',
      ORCHESTRATOR_RUNS_SWEEP_INTERVAL_SECONDS: '1',
      // Schedules would outlive the test on the server that all tests share.
      ORCHESTRATOR_STORE_GC_INTERVAL_HOURS: '0',
      ORCHESTRATOR_STORE_FSCK_INTERVAL_HOURS: '0',
      ORCHESTRATOR_RUNS_RETENTION_INTERVAL_HOURS: '0',
      ORCHESTRATOR_TRIGGERS_RECONCILE_INTERVAL_SECONDS: '0',
      ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '0',
      ORCHESTRATOR_EXTERNAL_RUNS_HEALTH_INTERVAL_SECONDS: '0',
      ...env,
    },
    data_dir,
  );
}
