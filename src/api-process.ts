import type { StandaloneConfig } from './config.ts';
import { stopInOrder, untilAskedToStop } from './lifecycle.ts';
import { createLogger } from './log.ts';
import { startTelemetry } from './telemetry.ts';
import { VERSION } from './version.ts';

/** One API process against a PostgreSQL and a Temporal of one's own. Any number may run side by side. */
export async function runApi(config: StandaloneConfig): Promise<void> {
  const logger = createLogger({ level: config.telemetry.log_level, service_name: config.telemetry.service_name });
  for (const warning of config.warnings) logger.warn(warning);
  const telemetry = await startTelemetry(config, VERSION);
  // Only now: instrumentation has to be there before what it instruments.
  const [{ openDatabase }, { connectTemporal }, { installTemporalRuntime }, { serveApi }] = await Promise.all([
    import('./persistence/db.ts'),
    import('./temporal.ts'),
    import('./runtime.ts'),
    import('./serve.ts'),
  ]);
  installTemporalRuntime(logger);
  const database_url = config.database.url.reveal();
  const database = openDatabase({
    url: database_url,
    max_connections: config.database.max_open_conns,
    onIdleError: (err) => logger.warn({ err }, 'a database connection was lost'),
  });
  const temporal = await connectTemporal(config, config.temporal.host_port, { eager: false });
  const api = await serveApi({
    config,
    db: database.db,
    logger,
    metrics: telemetry.metrics,
    temporal: temporal.runs,
    database_url,
    token: config.auth.api_token.reveal(),
    tracing: telemetry.tracing,
    sandbox: () => null,
  });
  logger.info({ url: api.url, metrics_port: telemetry.metrics_port }, 'the API listens');
  await untilAskedToStop();
  await stopInOrder(logger, [api.stop, temporal.close, database.close, telemetry.stop]);
}
