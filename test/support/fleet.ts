import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { devEnvironment } from '../../src/dev/environment.ts';
import { silent } from '../../src/dev/log.ts';
import { startPostgres } from '../../src/dev/postgres.ts';
import { startTemporal } from '../../src/dev/temporal.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { apiClient, type ApiClient } from './api-client.ts';
import { databaseUrl, onServer } from './database.ts';
import { ownProcess, type OwnProcess, type Program as AnyProgram } from './own-process.ts';
import { freePort } from './own-server.ts';
import { sharedBundles } from './shared-bundles.ts';
import { temporaryDataDir } from './stack.ts';

const TOKEN = 'test-token-test-token-test-token-0123';
const DATABASE = 'orchestrator';

/** What a fleet is made of; a Spec Engine is none of it. */
type Program = Exclude<AnyProgram, 'spec-engine'>;
export type Part = Program | 'postgres' | 'temporal';

/** The product as production runs it, one process for each part, on a PostgreSQL and a Temporal server of its own. */
export interface Fleet extends ApiClient {
  database_url: string;
  temporal_address: string;
  processes: Record<Program, OwnProcess>;
  /** One more process like those, not started yet. */
  another(program: Program, env?: Record<string, string>): OwnProcess;
  /** SIGKILL; away for `away_ms`, then there again on the same port and data. */
  crash(part: Part, away_ms?: number): Promise<void>;
  /** Connections to the server stay, answers do not come. */
  freeze(server: 'postgres' | 'temporal'): void;
  thaw(server: 'postgres' | 'temporal'): void;
  /** Every process and both servers, at once; then all of it again. */
  crashAll(): Promise<void>;
  /** Processes that ended and should not have, with the last they said. */
  losses(): string[];
  remove(): Promise<void>;
}

export interface FleetOptions {
  env?: Record<string, string>;
  /** What to start with; everything without it. */
  programs?: Program[];
}

interface Server {
  pid: () => number;
  stop: () => Promise<void>;
}

export async function startFleet({
  env = {},
  programs = ['api', 'worker', 'agent'],
}: FleetOptions = {}): Promise<Fleet> {
  const data_dir = await temporaryDataDir('orchestrator-fleet-');
  const ports = {
    api: await freePort(),
    postgres: await freePort(),
    temporal: await freePort(),
    ui: await freePort(),
  };
  const servers: Record<'postgres' | 'temporal', () => Promise<Server>> = {
    postgres: () => startPostgres({ data_dir, port: ports.postgres, durable: false, log: silent }),
    temporal: () =>
      startTemporal({
        data_dir,
        cache_dir: devEnvironment().cache_dir,
        port: ports.temporal,
        ui_port: ports.ui,
        log: silent,
      }),
  };
  const [postgres, temporal] = await Promise.all([
    startPostgres({ data_dir, port: ports.postgres, durable: false, log: silent }),
    servers.temporal(),
  ]);
  const running: Record<'postgres' | 'temporal', Server> = { postgres, temporal };
  await onServer(postgres.url, `CREATE DATABASE ${DATABASE}`);
  const database_url = databaseUrl(postgres.url, DATABASE);
  await migrate(database_url);
  const temporal_address = `127.0.0.1:${ports.temporal}`;
  const settings = {
    ...SETTINGS,
    ORCHESTRATOR_DATABASE_URL: database_url,
    ORCHESTRATOR_TEMPORAL_HOST_PORT: temporal_address,
    ORCHESTRATOR_SERVER_PORT: String(ports.api),
    ...env,
  };
  const made: OwnProcess[] = [];
  const another = (program: Program, more: Record<string, string> = {}) => {
    const one = ownProcess(program, {
      ...settings,
      ORCHESTRATOR_DATA_DIR: homeOf(program, data_dir),
      ...more,
    });
    made.push(one);
    return one;
  };
  for (const program of ['api', 'agent'] as const)
    await mkdir(homeOf(program, data_dir), { recursive: true });
  const processes = { api: another('api'), worker: another('worker'), agent: another('agent') };
  await Promise.all(programs.map((program) => processes[program].start()));

  async function kill(part: Part): Promise<void> {
    if (part !== 'postgres' && part !== 'temporal') return processes[part].kill();
    process.kill(running[part].pid(), 'SIGKILL');
    // Its supervisor would start it again at once.
    await running[part].stop();
  }
  async function start(part: Part): Promise<void> {
    if (part === 'postgres' || part === 'temporal') running[part] = await servers[part]();
    else await processes[part].start();
  }

  return {
    ...apiClient(`http://127.0.0.1:${ports.api}`, TOKEN),
    database_url,
    temporal_address,
    processes,
    another,
    async crash(part, away_ms = 0) {
      await kill(part);
      await pause(away_ms);
      await start(part);
    },
    freeze: (server) => void process.kill(running[server].pid(), 'SIGSTOP'),
    thaw: (server) => void process.kill(running[server].pid(), 'SIGCONT'),
    losses: () => made.flatMap((one) => one.losses),
    async crashAll() {
      const parts: Part[] = [...programs, 'postgres', 'temporal'];
      await Promise.all(parts.map(kill));
      await Promise.all([start('postgres'), start('temporal')]);
      await Promise.all(programs.map(start));
    },
    async remove() {
      await Promise.all(made.map((one) => one.stop()));
      await Promise.all([running.postgres.stop(), running.temporal.stop()]);
      await rm(data_dir, { recursive: true, force: true });
    },
  };
}

const homeOf = (program: Program, data_dir: string): string =>
  program === 'worker' ? sharedBundles() : path.join(data_dir, program);

const SETTINGS: Record<string, string> = {
  ORCHESTRATOR_AUTH_API_TOKEN: TOKEN,
  ORCHESTRATOR_AUTH_JWT_SECRET: TOKEN,
  ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false',
  ORCHESTRATOR_SERVER_SHUTDOWN_GRACE_SECONDS: '3',
  ORCHESTRATOR_LIMITS_RATE_PER_SECOND: '100000',
  ORCHESTRATOR_LIMITS_RATE_BURST: '100000',
  ORCHESTRATOR_RUNS_SWEEP_INTERVAL_SECONDS: '1',
  ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: '127.0.0.1',
};
