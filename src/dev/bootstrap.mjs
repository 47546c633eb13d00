/**
 * The entry of every npm script: `node src/dev/bootstrap.mjs <start|api|worker|intent-service|spec-engine|test|check|demo|bench|faults|fuzz|tree> [arguments]`.
 * Installs the packages of the lock file when they are missing or others, compiles what runs compiled, then runs the
 * real command.
 * Uses Node's own modules only, because it runs when there are no others yet.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build, isBuilt } from './bootstrap-build.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOCK = path.join(ROOT, 'package-lock.json');
const STAMP = path.join(ROOT, 'node_modules', '.orchestrator-lock');
/** npm writes here what it really installed. */
const INSTALLED = path.join(ROOT, 'node_modules', '.package-lock.json');
/** What another process began this long ago is taken for dead. */
const LOCK_LIMIT_MS = 15 * 60_000;

/** The arguments that Node gets for each command. */
const COMMANDS = {
  start: ['--import', 'tsx', 'src/main.ts', 'stack'],
  test: [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
  ],
  check: ['--import', 'tsx', 'src/dev/check.ts'],
  demo: ['--import', 'tsx', 'src/dev/demo.ts'],
  bench: ['--import', 'tsx', 'src/dev/bench/main.ts'],
  faults: ['--import', 'tsx', 'src/dev/faults.ts'],
  fuzz: ['--import', 'tsx', 'src/dev/fuzz/main.ts'],
  tree: ['--import', 'tsx', 'src/dev/tree.ts'],
  'intent-service': ['dist/src/main.js', 'intent-service'],
  'spec-engine': ['dist/src/main.js', 'spec-engine'],
  api: ['dist/src/main.js', 'api'],
  worker: ['dist/worker/main.js'],
};
/** Processes of production run compiled: less memory, a faster start. The bench measures them so. */
const COMPILED = new Set(['api', 'intent-service', 'spec-engine', 'worker', 'bench', 'faults']);

const [name = '', ...rest] = process.argv.slice(2);
const command = COMMANDS[name];
if (!command) fail(`usage: node src/dev/bootstrap.mjs <${Object.keys(COMMANDS).join('|')}> [arguments]`);
requireNode();
await ensurePackages();
if (COMPILED.has(name)) await ensureBuild();
if (name === 'worker') process.env.ORCHESTRATOR_WORKER_AGENT_ID ??= randomUUID();
process.exit(await runUntilOver());

/** A worker that was asked to restart ends with this status, and is the same agent when it is back. */
async function runUntilOver() {
  const RESTART_STATUS = 75;
  for (;;) {
    const status = await run(process.execPath, [...command, ...rest]);
    if (name !== 'worker' || status !== RESTART_STATUS) return status;
    console.log('The worker was asked to restart.');
  }
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node ${process.versions.node} is too old: Orchestrator needs 20.19 or newer.`);
}

async function ensurePackages() {
  if (isInstalled()) return;
  const release = await takeLock('install');
  try {
    // Whoever held the lock before us may have done the work.
    if (isInstalled()) return;
    console.log(
      'Installing the npm packages of package-lock.json from your npm registry (about 700 MB on disk, once).',
    );
    const status = await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund']);
    if (status !== 0) fail(`npm ci failed with status ${status}; the reason stands above.`);
    writeStamp();
  } finally {
    release();
  }
}

async function ensureBuild() {
  if (isBuilt(ROOT)) return;
  const release = await takeLock('build');
  try {
    if (!isBuilt(ROOT)) await build(ROOT, (args) => run(process.execPath, args));
  } catch (error) {
    fail(`dist/ cannot be made: ${error.message}`);
  } finally {
    release();
  }
}

/** True when node_modules holds what the lock file says, whoever installed it. */
function isInstalled() {
  const hash = lockHash();
  if (readOrNothing(STAMP) === hash) return true;
  if (!matchesLock()) return false;
  writeStamp();
  return true;
}

function matchesLock() {
  try {
    const wanted = Object.entries(JSON.parse(readFileSync(LOCK, 'utf8')).packages);
    const present = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages;
    return wanted.every(([where, { version, optional, devOptional }]) => {
      if (where === '') return true;
      // Packages for other platforms are optional and absent.
      if (!present[where]) return Boolean(optional || devOptional);
      return present[where].version === version;
    });
  } catch {
    return false;
  }
}

/** Only a shortcut for the next time, so a directory that cannot be written to does no harm. */
function writeStamp() {
  try {
    writeFileSync(STAMP, lockHash());
  } catch {
    return;
  }
}

function lockHash() {
  return createHash('sha256').update(readFileSync(LOCK)).digest('hex');
}

function readOrNothing(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Two `npm ci`, or two compilers, in one directory destroy each other's work. */
async function takeLock(purpose) {
  const key = createHash('sha256').update(ROOT).digest('hex').slice(0, 16);
  const lock = path.join(os.tmpdir(), `orchestrator-${purpose}-${key}`);
  for (let waits = 0; ; waits += 1) {
    try {
      mkdirSync(lock);
      writeFileSync(path.join(lock, 'pid'), String(process.pid));
      process.once('exit', () => rmSync(lock, { recursive: true, force: true }));
      return () => rmSync(lock, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(lock)) rmSync(lock, { recursive: true, force: true });
    else if (waits === 0) console.log(`Waiting for another process that is at the same ${purpose}.`);
    await pause(500);
  }
}

function isAbandoned(lock) {
  try {
    const age_ms = Date.now() - statSync(lock).mtimeMs;
    if (age_ms > LOCK_LIMIT_MS) return true;
    const pid = Number(readOrNothing(path.join(lock, 'pid')));
    // Freshly made, its pid not written yet.
    if (!pid) return age_ms > 5_000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Under `npm start` the very npm that runs us; otherwise the one on PATH. */
function runNpm(args) {
  const script = process.env.npm_execpath;
  if (script && /npm-cli\.js$/.test(script)) return run(process.execPath, [script, ...args]);
  return run('npm', args, { shell: process.platform === 'win32' });
}

/** Runs a command on our terminal, passes signals on, and answers its exit status. */
function run(file, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: 'inherit', ...options });
    const release = passSignalsTo(child);
    const done = (status) => {
      release();
      resolve(status);
    };
    child.once('error', (error) => {
      console.error(`${file} cannot be run: ${error.message}`);
      done(127);
    });
    child.once('exit', (status, signal) => done(status ?? 128 + os.constants.signals[signal]));
  });
}

function passSignalsTo(child) {
  let signalled = false;
  const forward = (signal) => {
    signalled = true;
    // Ctrl-C in a terminal reaches the child by itself; passed on as well it would count twice.
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    child.kill(signal);
  };
  // npm hands a signal to the shell between it and us, and that shell dies of it without telling us.
  const parent = process.ppid;
  const watch = setInterval(() => {
    const isOrphan = process.env.npm_lifecycle_event !== undefined && process.ppid !== parent;
    if (isOrphan && !signalled) forward('SIGTERM');
  }, 250);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  return () => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, forward);
  };
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
