import { readlinkSync } from 'node:fs';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { devEnvironment } from './environment.ts';
import type { Log } from './log.ts';
import { choosePort, onPorts } from './ports.ts';
import { postgresAccount, type Account } from './postgres-account.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { openCluster, postgresEnvironment, SUPERUSER, type Cluster } from './postgres-cluster.ts';
import { identityOf } from './process-identity.ts';
import { liveRecord, rememberedPorts, writeRecord } from './service-record.ts';
import { supervise, type ServiceSpec } from './supervisor.ts';

const DEFAULT_PORT = 15_432;
/** sockaddr_un holds 108 bytes with its final zero. */
const SOCKET_PATH_LIMIT_BYTES = 107;
const PROBE_TIMEOUT_MS = 2_000;
/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one (it recovers at the next start). Never SIGKILL. */
const STOP_STEPS: ServiceSpec['stop_steps'] = [
  { signal: 'SIGINT', wait_ms: 20_000 },
  { signal: 'SIGQUIT', wait_ms: 10_000 },
];

export interface PostgresOptions {
  data_dir: string;
  log: Log;
  /** This port or an error; 0 = any free one. Absent: the last one, the default, or any free one. */
  port?: number;
  /** A directory with `postgres` and `initdb` to use instead of the npm package's. */
  bin?: string;
  cache_dir?: string;
  /** False gives up safety against power cuts for speed. For throw-away databases only. */
  durable?: boolean;
}

export interface Postgres {
  /** Connects to the maintenance database `postgres`, password included. */
  url: string;
  /** The same server, another database. */
  urlOf: (database: string) => string;
  pid: () => number;
  /** A fast shutdown: open transactions are rolled back, everything committed is on disk. */
  stop: () => Promise<void>;
}

/**
 * Starts the embedded PostgreSQL of a data directory and keeps it running; resolves once a connection works.
 * A server that a killed predecessor left behind is used again.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { data_dir, log } = options;
  const durable = options.durable ?? true;
  const account = postgresAccount();
  const cache_dir = options.cache_dir ?? binaryCache(account);
  const binaries = await postgresBinaries({ bin: options.bin, account, cache_dir, log });
  const cluster = await openCluster({ data_dir, binaries, account, durable, log });
  const record_file = path.join(data_dir, 'postgres.service.json');
  await mkdir(path.join(data_dir, 'logs'), { recursive: true, mode: 0o700 });
  const start = async (port: number): Promise<Postgres> => {
    const urlOf = (database: string) =>
      `postgresql://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/${database}`;
    const service = await supervise({
      name: 'PostgreSQL',
      ports: [port],
      ready_timeout_ms: 60_000,
      stop_steps: STOP_STEPS,
      command: {
        file: path.join(binaries.bin, 'postgres'),
        args: argumentsOf(cluster, { port, durable }),
        cwd: '/',
        env: postgresEnvironment(),
        account,
        log_file: path.join(data_dir, 'logs', 'postgres.log'),
      },
      record_file,
      probe: () => answers(urlOf('postgres')),
      log,
    });
    return { url: urlOf('postgres'), urlOf, pid: service.pid, stop: service.stop };
  };
  return onPorts(() => portOf(options, cluster, record_file), start);
}

/** Root's own cache lies in its closed home, where PostgreSQL's account could not run a copy. */
function binaryCache(account: Account | undefined): string {
  const environment = devEnvironment();
  return account && !environment.cache_dir_is_explicit ? '/var/cache/orchestrator' : environment.cache_dir;
}

function argumentsOf(cluster: Cluster, { port, durable }: { port: number; durable: boolean }): string[] {
  const socket = path.join(cluster.run, `.s.PGSQL.${port}`);
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    // A path that does not fit leaves TCP alone, which is all that we use ourselves.
    unix_socket_directories: Buffer.byteLength(socket) <= SOCKET_PATH_LIMIT_BYTES ? cluster.run : '',
    unix_socket_permissions: '0700',
    max_connections: 200,
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
    // All else stays on, so that even without fsync a killed process loses nothing: only a power cut would.
    fsync: durable ? 'on' : 'off',
  };
  const pairs = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', cluster.data, ...pairs];
}

/** A running orphan keeps its port unless another one was asked for; then it is stopped by the supervisor. */
async function portOf(options: PostgresOptions, cluster: Cluster, record_file: string): Promise<number> {
  await recordUnrecorded(cluster, record_file);
  const explicit = options.port || undefined;
  const held = (await liveRecord(record_file))?.ports[0];
  if (held !== undefined && (explicit ?? held) === held) return held;
  return choosePort({
    purpose: 'PostgreSQL',
    explicit: options.port,
    preferred: [...(await rememberedPorts(record_file)), DEFAULT_PORT],
    setting: 'ORCHESTRATOR_POSTGRES_PORT',
  });
}

/**
 * A postmaster on this cluster that our record does not know (we were killed between its start and the
 * record) is found by its own pid file, which is only read, never removed. It counts as ours only if
 * it works in the cluster's directory: the pid may have passed to a stranger.
 */
async function recordUnrecorded(cluster: Cluster, record_file: string): Promise<void> {
  if (await liveRecord(record_file)) return;
  const lines = await readFile(path.join(cluster.data, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port] = lines.split('\n').map(Number);
  const identity = identityOf(pid ?? 0);
  if (!identity || !(await worksIn(identity.pid, cluster.data))) return;
  await writeRecord(record_file, { ...identity, fingerprint: 'unrecorded', ports: port ? [port] : [] });
}

async function worksIn(pid: number, directory: string): Promise<boolean> {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === (await realpath(directory));
  } catch {
    return false;
  }
}

async function answers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: PROBE_TIMEOUT_MS });
  // A server that goes away during the probe reports it here as well; the rejection is enough.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}
