import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { adopt, endProcess, spawnChild, type Child, type Command } from './child.ts';
import type { Log } from './log.ts';
import { isFree, portTaken } from './ports.ts';
import { liveRecord, writeRecord } from './service-record.ts';

const BACKOFF_MS = { first: 100, longest: 2_000 };
/** A child that stood this long did not crash because of how it was started. */
const STABLE_MS = 5_000;
const QUICK_EXITS_AT_START = 5;
const PROBE_PAUSE_MS = 25;
const LOG_TAIL_BYTES = 2_000;

export interface ServiceSpec {
  name: string;
  command: Command;
  ports: number[];
  record_file: string;
  /** Resolves when the service answers, rejects when it doesn't (yet). Must give up by itself within seconds. */
  probe: (pid: number) => Promise<void>;
  ready_timeout_ms: number;
  /** How to stop it: signals in order, each with the time it gets. */
  stop_steps: { signal: NodeJS.Signals; wait_ms: number }[];
  log: Log;
}

export interface Service {
  /** The pid of the current child; changes when it is restarted after a crash. */
  pid: () => number;
  /** Stops the child and the supervision. Safe to call twice. */
  stop: () => Promise<void>;
}

/**
 * Runs a service and keeps it running: reuses a healthy child that a killed predecessor left behind (or stops
 * it when it was started differently or does not answer), waits until it answers, and from then on
 * starts it again after every crash, with back-off, on the same ports. Rejects when it never answers.
 */
export async function supervise(spec: ServiceSpec): Promise<Service> {
  let child = (await reuseOrphan(spec)) ?? (await firstStart(spec));
  let stopping = false;
  const wake = new AbortController();

  const supervision = (async () => {
    let delay_ms = BACKOFF_MS.first;
    for (;;) {
      const since = Date.now();
      await child.ended;
      if (stopping) return;
      if (Date.now() - since > STABLE_MS) delay_ms = BACKOFF_MS.first;
      spec.log(`${spec.name} ended unexpectedly; starting it again in ${delay_ms} ms`);
      await pause(delay_ms, undefined, { signal: wake.signal }).catch(() => undefined);
      delay_ms = Math.min(delay_ms * 2, BACKOFF_MS.longest);
      if (stopping) return;
      child = await restart(spec, child);
      // stop() saw the child before this one.
      if (stopping) return stopChild(spec, child);
    }
  })();

  return {
    pid: () => child.identity.pid,
    stop: async () => {
      stopping = true;
      wake.abort();
      await stopChild(spec, child);
      await supervision;
    },
  };
}

async function reuseOrphan(spec: ServiceSpec): Promise<Child | undefined> {
  const orphan = await liveRecord(spec.record_file);
  if (!orphan) return undefined;
  if (orphan.fingerprint === fingerprintOf(spec.command) && (await answers(spec, orphan.pid))) {
    spec.log(`${spec.name} still runs from the last start (pid ${orphan.pid}); using it`);
    return adopt(orphan);
  }
  spec.log(`Stopping a ${spec.name} left by the last start (pid ${orphan.pid})`);
  await stopChild(spec, adopt(orphan));
  return undefined;
}

async function firstStart(spec: ServiceSpec): Promise<Child> {
  const deadline = Date.now() + spec.ready_timeout_ms;
  let delay_ms = BACKOFF_MS.first;
  for (let exits = 0; exits < QUICK_EXITS_AT_START && Date.now() < deadline; exits += 1) {
    const child = await start(spec);
    let running = true;
    void child.ended.then(() => (running = false));
    while (running && Date.now() < deadline) {
      if (await answers(spec, child.identity.pid)) return child;
      await pause(PROBE_PAUSE_MS);
    }
    if (running) await stopChild(spec, child);
    else if (!(await allFree(spec.ports))) throw portTaken(spec.name);
    await pause(delay_ms);
    delay_ms = Math.min(delay_ms * 2, BACKOFF_MS.longest);
  }
  const { log_file } = spec.command;
  throw new Error(`${spec.name} did not become ready. The end of ${log_file}:\n${await tail(log_file)}`);
}

/** A start that fails outright counts as one that ended at once: the back-off goes on. */
async function restart(spec: ServiceSpec, former: Child): Promise<Child> {
  return start(spec).catch((error: unknown) => {
    spec.log(`${spec.name} could not be started: ${String(error)}`);
    return { identity: former.identity, ended: Promise.resolve() };
  });
}

async function start(spec: ServiceSpec): Promise<Child> {
  const child = await spawnChild(spec.command);
  const record = { ...child.identity, fingerprint: fingerprintOf(spec.command), ports: spec.ports };
  await writeRecord(spec.record_file, record);
  return child;
}

async function stopChild(spec: ServiceSpec, child: Child): Promise<void> {
  if (await endProcess(child.identity, spec.stop_steps)) return;
  throw new Error(`${spec.name} (pid ${child.identity.pid}) does not stop`);
}

async function answers(spec: ServiceSpec, pid: number): Promise<boolean> {
  return spec.probe(pid).then(
    () => true,
    () => false,
  );
}

async function allFree(ports: number[]): Promise<boolean> {
  return (await Promise.all(ports.map((port) => isFree(port)))).every(Boolean);
}

function fingerprintOf(command: Command): string {
  return JSON.stringify([command.file, command.args, command.account?.uid ?? null]);
}

async function tail(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, LOG_TAIL_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}
