import type { Config } from './config.ts';
import type { Base } from './container-store.ts';
import type { TemporalLink } from './clients/temporal-link.ts';
import { codecSecrets } from './config-temporal.ts';
import { stopInOrder } from './lifecycle.ts';
import { createLogger, type Logger } from './log.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';
import { VERSION } from './version.ts';

export interface ProcessBase {
  logger: Logger;
  telemetry: Telemetry;
}

export interface ProcessOptions {
  /** What sets this process apart in the logs; empty for the API. */
  role: string;
  /** Where the log goes instead of standard output. */
  log_file?: string;
}

/** Log and telemetry of a process. First of all, because instrumentation must be there before what it instruments. */
export async function openProcess(config: Config, { role, log_file }: ProcessOptions): Promise<ProcessBase> {
  const { log_level, service_name } = config.telemetry;
  const logger = createLogger({
    level: log_level,
    service_name: role === '' ? service_name : `${service_name}-${role}`,
    log_file,
  });
  for (const warning of config.warnings) logger.warn(warning);
  return { logger, telemetry: await startTelemetry(config, VERSION) };
}

export interface Connections {
  base: Base;
  temporal: TemporalLink;
  /** Stops the given parts in order, then lets go of Temporal, PostgreSQL and telemetry. */
  close: (...parts: (() => Promise<unknown>)[]) => Promise<void>;
}

export interface Places {
  database_url: string;
  temporal_address: string;
  /** The process runs both API and workflows. */
  eager: boolean;
}

/** PostgreSQL and Temporal of a process. Their modules load only here, after telemetry has started. */
export async function connect(
  config: Config,
  { logger, telemetry }: ProcessBase,
  places: Places,
): Promise<Connections> {
  const [{ openDatabase }, { connectTemporal, installTemporalRuntime }] = await Promise.all([
    import('./persistence/db.ts'),
    import('./clients/temporal-link.ts'),
  ]);
  const sdk_log = logger.child({ component: 'temporal' });
  installTemporalRuntime((level, message, about) => sdk_log[level](about, message));
  const database = openDatabase({
    url: places.database_url,
    max_connections: config.database.max_open_conns,
    onIdleError: (err) => logger.warn({ err }, 'a database connection was lost'),
  });
  const { namespace, task_queue } = config.temporal;
  const { tracing } = telemetry;
  const temporal = await connectTemporal({
    address: places.temporal_address,
    namespace,
    task_queue,
    eager: places.eager,
    codec: codecSecrets(config.temporal),
    tracing: tracing && { resource: tracing.resource, spanProcessor: tracing.processor },
  });
  return {
    base: { config, db: database.db, logger, metrics: telemetry.metrics },
    temporal,
    close: (...parts) => stopInOrder(logger, [...parts, temporal.close, database.close, telemetry.stop]),
  };
}

/** What the API needs of a link to Temporal. */
export const temporalOf = ({ runs, executions, maintenance, schedules, refinements }: TemporalLink) => ({
  temporal: runs,
  executions,
  maintenance,
  schedules,
  refinements,
});
