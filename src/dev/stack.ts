import { mkdir } from 'node:fs/promises';
import pg from 'pg';
import { lockDataDir } from './data-dir-lock.ts';
import { devEnvironment, type DevEnvironment } from './environment.ts';
import type { Log } from './log.ts';
import { startPostgres, type Postgres } from './postgres.ts';
import { setUpSandbox, type SandboxSetup } from './sandbox-setup.ts';
import { startTemporal, type Temporal } from './temporal.ts';

const DATABASE = 'orchestrator';

export interface ServicesOptions {
  /** A running PostgreSQL; nothing is embedded for that part, and the database must exist. */
  database_url?: string;
  /** A running Temporal frontend, host:port; nothing is embedded for that part. */
  temporal_address?: string;
  /** Where that server's web interface is, if it has one. */
  temporal_ui_url?: string;
  log: Log;
  /** False for throw-away data: PostgreSQL without fsync. */
  durable?: boolean;
  /** What the environment says; read from it when absent. */
  environment?: DevEnvironment;
}

export interface Services {
  data_dir: string;
  database_url: string;
  temporal_address: string;
  /** Empty when an external server's is unknown. */
  temporal_ui_url: string;
  sandbox: SandboxSetup;
  /** The embedded parts; absent where an external one is used. */
  postgres?: Postgres;
  temporal?: Temporal;
  /** Stops what was started and frees the data directory. Stop worker and API first. Safe to call twice. */
  stop: () => Promise<void>;
}

/**
 * Starts what is not given from outside — PostgreSQL with its database, a Temporal server, the sandbox's
 * system package — all at once, on one data directory that no other stack may use meanwhile.
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const environment = options.environment ?? devEnvironment();
  const { data_dir } = environment;
  // 711: PostgreSQL's account must be able to pass through, while nobody else can list it.
  await mkdir(data_dir, { recursive: true, mode: 0o711 });
  const lock = await lockDataDir(data_dir);
  const [postgres, temporal, sandbox] = await Promise.allSettled([
    options.database_url === undefined ? embeddedPostgres(options, environment) : undefined,
    options.temporal_address === undefined ? embeddedTemporal(options, environment) : undefined,
    setUpSandbox({ setup: environment.setup, log: options.log }),
  ]);
  const stop = async () => {
    // Temporal first: it holds the runs, and PostgreSQL what its last activities wrote.
    if (temporal.status === 'fulfilled') await temporal.value?.stop();
    if (postgres.status === 'fulfilled') await postgres.value?.stop();
    await lock.release();
  };
  const failed = [postgres, temporal, sandbox].find((part) => part.status === 'rejected');
  if (failed) await stop();
  if (postgres.status === 'rejected') throw postgres.reason;
  if (temporal.status === 'rejected') throw temporal.reason;
  if (sandbox.status === 'rejected') throw sandbox.reason;
  return {
    data_dir,
    database_url: options.database_url ?? postgres.value?.urlOf(DATABASE) ?? '',
    temporal_address: options.temporal_address ?? temporal.value?.address ?? '',
    temporal_ui_url: options.temporal_ui_url ?? temporal.value?.ui_url ?? '',
    sandbox: sandbox.value,
    postgres: postgres.value,
    temporal: temporal.value,
    stop,
  };
}

async function embeddedPostgres(options: ServicesOptions, environment: DevEnvironment): Promise<Postgres> {
  const { data_dir, postgres_port, postgres_bin } = environment;
  const { log, durable } = options;
  const postgres = await startPostgres({ data_dir, port: postgres_port, bin: postgres_bin, durable, log });
  try {
    await createDatabase(postgres.url, DATABASE);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  return postgres;
}

async function embeddedTemporal(options: ServicesOptions, environment: DevEnvironment): Promise<Temporal> {
  const { data_dir, cache_dir, temporal_port, temporal_ui_port, temporal_cli_path } = environment;
  return startTemporal({
    data_dir,
    cache_dir,
    port: temporal_port,
    ui_port: temporal_ui_port,
    cli_path: temporal_cli_path,
    log: options.log,
  });
}

async function createDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (!rowCount) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
