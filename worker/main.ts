/** `tsx worker/main.ts [interpreter] [code]`: a worker process; without arguments it does both. */
import { ConfigError, loadConfig, standaloneConfig, type StandaloneConfig } from '../src/config.ts';
import { stopInOrder, untilAskedToStop } from '../src/lifecycle.ts';
import { createLogger, type Logger } from '../src/log.ts';
import { startTelemetry } from '../src/telemetry.ts';
import { VERSION } from '../src/version.ts';
import type { RunningWorker, WorkerOptions } from './start.ts';

const ROLES = ['interpreter', 'code'] as const;
type Role = (typeof ROLES)[number];

try {
  const roles = process.argv.slice(2) as Role[];
  const unknown = roles.filter((role) => !ROLES.includes(role));
  if (unknown.length > 0) throw new ConfigError([`unknown role ${unknown.join(', ')}; there are ${ROLES.join(', ')}`]);
  await runWorker(standaloneConfig(loadConfig(process.env, process.cwd())), roles.length > 0 ? roles : [...ROLES]);
  process.exit(0);
} catch (error) {
  const text = error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

async function runWorker(config: StandaloneConfig, roles: Role[]): Promise<void> {
  const logger = createLogger({ level: config.telemetry.log_level, service_name: `${config.telemetry.service_name}-worker` });
  for (const warning of config.warnings) logger.warn(warning);
  const telemetry = await startTelemetry(config, VERSION);
  // Only now: instrumentation has to be there before what it instruments.
  const [{ openDatabase }, { connectTemporal }, { installTemporalRuntime }] = await Promise.all([
    import('../src/persistence/db.ts'),
    import('../src/temporal.ts'),
    import('../src/runtime.ts'),
  ]);
  installTemporalRuntime(logger);
  const database = openDatabase({ url: config.database.url.reveal(), max_connections: config.database.max_open_conns });
  const temporal = await connectTemporal(config, config.temporal.host_port, { eager: false });
  const { db } = database;
  const { connection, runs } = temporal;
  const options = { config, db, logger, metrics: telemetry.metrics, connection, temporal: runs };
  const workers = await Promise.all(roles.map((role) => START[role](options, logger)));
  logger.info({ roles }, 'the worker polls');
  // The embedded stack started us: without it there is nothing to work for.
  const orphaned = new Promise<void>((resolve) => process.once('disconnect', resolve));
  await Promise.race([untilAskedToStop(), orphaned, ...workers.map((worker) => worker.done)]);
  await stopInOrder(logger, [...workers.map((worker) => worker.stop), temporal.close, database.close, telemetry.stop]);
}

const START: Readonly<Record<Role, (options: WorkerOptions, logger: Logger) => Promise<RunningWorker>>> = {
  async interpreter(options) {
    const { startInterpreterWorker } = await import('./start.ts');
    return startInterpreterWorker(options);
  },
  async code(options, logger) {
    const [{ startCodeWorker }, { createSandbox }] = await Promise.all([
      import('./start.ts'),
      import('../src/sandbox/sandbox.ts'),
    ]);
    const { sandbox: settings, telemetry, worker } = options.config;
    const sandbox = await createSandbox({
      ...settings,
      environment: telemetry.environment === 'production' ? 'production' : 'development',
      search_path: process.env.PATH,
      cache_dir: settings.go_cache_dir,
      max_concurrency: worker.max_concurrent_code_tasks,
      log: (message, about) => logger.info(about, message),
    });
    // The embedded stack shows it under /capabilities.
    process.send?.({ sandbox: sandbox.report });
    return startCodeWorker(options, sandbox);
  },
};
