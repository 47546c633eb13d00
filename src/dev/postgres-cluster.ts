import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { readIfThere, writeAtomic } from './atomic-file.ts';
import type { Log } from './log.ts';
import { canReach, giveTo, type Account } from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

export const SUPERUSER = 'orchestrator';
const SYSTEM_HOME = '/var/lib/orchestrator';

/** A database cluster on disk, ready to be started. */
export interface Cluster {
  /** PGDATA. */
  data: string;
  /** For the socket; on the same short path as far as possible. */
  run: string;
  password: string;
}

export interface ClusterOptions {
  data_dir: string;
  binaries: PostgresBinaries;
  account: Account | undefined;
  /** False only for throw-away databases: initdb then skips fsync. */
  durable: boolean;
  log: Log;
}

/** Opens the cluster of a data directory, creating it (C.UTF-8, SCRAM, a random password) when there is none. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { account, data_dir } = options;
  const home = await clusterHome(options);
  const password = await passwordOf(path.join(data_dir, 'postgres.password'));
  const data = path.join(home, 'data');
  if (!existsSync(data)) await initialise(options, data, password);
  await checkVersion(data, options.binaries);
  const run = path.join(home, 'run');
  await mkdir(run, { recursive: true, mode: 0o700 });
  for (const directory of [data, run, home]) await giveTo(account, directory);
  return { data, run, password };
}

/**
 * `<data dir>/postgres`, unless the account cannot get there (a clone below root's closed home): then a
 * directory of its own under /var/lib, remembered in the data directory.
 */
async function clusterHome(options: ClusterOptions): Promise<string> {
  const { data_dir, account, log } = options;
  const pointer = path.join(data_dir, 'postgres.location');
  const elsewhere = (await readIfThere(pointer))?.trim();
  if (elsewhere) {
    // Someone may have removed it; a missing directory then means a new cluster, as in any other place.
    await mkdir(elsewhere, { recursive: true, mode: 0o700 });
    return elsewhere;
  }
  const home = path.join(data_dir, 'postgres');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await giveTo(account, home);
  if (canReach(account, home, '-x')) return home;
  await rm(home, { recursive: true });
  const other = path.join(SYSTEM_HOME, `postgres-${randomUUID()}`);
  await mkdir(SYSTEM_HOME, { recursive: true, mode: 0o755 });
  await mkdir(other, { mode: 0o700 });
  await writeAtomic(pointer, other);
  log(`PostgreSQL runs as an unprivileged account that cannot enter ${data_dir}; its files go to ${other}`);
  return other;
}

async function passwordOf(file: string): Promise<string> {
  const existing = (await readIfThere(file))?.trim();
  if (existing) return existing;
  const password = randomBytes(24).toString('base64url');
  await writeAtomic(file, password, 0o600);
  return password;
}

async function initialise(options: ClusterOptions, data: string, password: string): Promise<void> {
  const { binaries, account, durable, log } = options;
  log(`Creating a PostgreSQL ${binaries.major} database in ${data}`);
  // Made beside its place and renamed when complete: an interrupted initdb leaves no half cluster behind.
  const unfinished = `${data}.${randomUUID()}`;
  const secrets = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-initdb-'));
  const pwfile = path.join(secrets, 'password');
  await giveTo(account, path.dirname(data));
  try {
    await writeFile(pwfile, password, { mode: 0o600 });
    await giveTo(account, secrets);
    const locale =
      binaries.major >= 17
        ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
        : ['--locale=C'];
    const args = ['-D', unfinished, '-U', SUPERUSER, '--encoding=UTF8', ...locale, '--auth=scram-sha-256'];
    args.push(`--pwfile=${pwfile}`, '--data-checksums', ...(durable ? [] : ['--no-sync']));
    await promisify(execFile)(path.join(binaries.bin, 'initdb'), args, {
      ...account,
      cwd: '/',
      env: postgresEnvironment(),
    });
    await rename(unfinished, data);
  } finally {
    await rm(secrets, { recursive: true, force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** What PostgreSQL's programs get of our environment: nothing that could change how they behave. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

async function checkVersion(data: string, binaries: PostgresBinaries): Promise<void> {
  const version = (await readFile(path.join(data, 'PG_VERSION'), 'utf8')).trim();
  if (Number(version) === binaries.major) return;
  throw new Error(
    `${data} was made by PostgreSQL ${version} and cannot be opened by PostgreSQL ${binaries.major}. ` +
      'Use binaries of that version (ORCHESTRATOR_POSTGRES_BIN), or dump and restore it, or choose another data directory.',
  );
}
