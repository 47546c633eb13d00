import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxReport } from '../contract/sandbox.ts';
import { causeOf } from './cancellation.ts';
import { otherTasks } from './other-tasks.ts';
import { explainFailure } from './probe.ts';
import { readProportionalBytes, readTree } from './process-tree.ts';
import { isReachable } from './reachable.ts';
import { refusal } from './refusal.ts';
import { semaphore } from './semaphore.ts';
import { readStatus } from './status-report.ts';
import { uidPool } from './uids.ts';
import { verdict } from './verdict.ts';

it('keeps the first cause only', () => {
  const cause = verdict();
  expect(cause.claim('timeout', 'first')).toBe(true);
  expect(cause.claim('memory_limit', 'second')).toBe(false);
  expect([cause.cause(), cause.detail()]).toEqual(['timeout', 'first']);
});

it.each([
  [
    'start\n0m0.1s 0m0.2s\n1m0.0s 0m0.0s\nexit 0\n',
    { started: true, ended: true, exit_code: 0, signal: null, cpu_ms: 60_300 },
  ],
  ['start\nexit 137\n', { exit_code: null, signal: 'SIGKILL' }],
  ['start\nexit 130\nexit 0\n', { exit_code: null, signal: 'SIGINT' }],
  ['start\nexit 255\nfull\n', { exit_code: 255, signal: null, disk_full: true }],
  ['start\n', { started: true, ended: false, exit_code: null }],
  ['exit 99999\nexit -1\n99999999999m1s 0m0s\nrubbish', { started: false, ended: false, cpu_ms: 0 }],
])('reads the status %j', (text, expected) => {
  expect(readStatus(text)).toMatchObject(expected);
});

it('gives places in order, and back only once', async () => {
  const places = semaphore(1);
  const order: number[] = [];
  const first = await places.acquire();
  const others = [2, 3].map(async (name) => {
    const give = await places.acquire();
    order.push(name);
    give?.();
  });
  const impatient = new AbortController();
  const never = places.acquire(impatient.signal);
  impatient.abort();
  expect(await never).toBeNull();
  first?.();
  first?.();
  await Promise.all(others);
  expect(order).toEqual([2, 3]);
  const again = await places.acquire();
  expect(await places.acquire(AbortSignal.abort())).toBeNull();
  again?.();
});

it('hands out no uid twice, and none that a system user has', () => {
  const pool = uidPool(1);
  const uids = Array.from({ length: 584 }, () => pool.take());
  expect(new Set(uids).size).toBe(584);
  expect(Math.min(...uids)).toBe(60_600);
  expect(Math.max(...uids)).toBe(61_183);
  expect(() => pool.take()).toThrow('in use');
  pool.give(61_000);
  expect(pool.take()).toBe(61_000);
});

it('counts other tasks of the user only where the kernel does', () => {
  expect(otherTasks('6.1.0-9', 1_000)).toBe(0);
  expect(otherTasks('5.14.0', 1_000)).toBe(0);
  expect(otherTasks('4.19.0', 0)).toBe(0);
  const own = process.getuid?.() ?? 0;
  if (own !== 0) expect(otherTasks('5.10.0-8', own)).toBeGreaterThan(0);
});

it('reads processes and their memory', () => {
  const [own] = readTree(process.pid).filter(({ pid }) => pid === process.pid);
  expect(own?.resident_bytes).toBeGreaterThan(10_000_000);
  expect(own?.own_cpu_ms).toBeGreaterThan(0);
  expect(readProportionalBytes(process.pid)).toBeGreaterThan(5_000_000);
  expect(readTree(2 ** 30)).toEqual([]);
});

it('tells a shutdown of the worker from a cancellation', () => {
  expect(causeOf(AbortSignal.abort())).toBe('cancelled');
  expect(causeOf(AbortSignal.abort(new Error('WORKER_SHUTDOWN')))).toBe('worker_shutdown');
});

it('says why a request cannot run, with the remedy', () => {
  const languages: SandboxReport['languages'] = [
    { language: 'bash', available: true },
    { language: 'go', available: false, reason: 'not warm' },
  ];
  const report: SandboxReport = { available: true, isolation: 'namespaces', languages };
  expect(refusal(report, { language: 'bash' })).toBeNull();
  expect(refusal(report, { language: 'go' })?.message).toContain('not warm');
  const none: SandboxReport = {
    available: false,
    isolation: null,
    reason: 'No bwrap.',
    remedy: 'Install it.',
    languages,
  };
  expect(refusal(none, { language: 'bash' })).toMatchObject({
    code: 'sandbox_unavailable',
    message: 'No bwrap. Install it.',
  });
  expect(refusal({ ...report, isolation: 'wasm' }, { language: 'bash' })?.message).toContain(
    'does not accept',
  );
});

it('knows what another user may get to', () => {
  expect(isReachable('/usr/bin', 0)).toBe(true);
  expect(isReachable('/usr/bin/env', 0)).toBe(true);
  const closed = mkdtempSync(join(tmpdir(), 'sandbox-closed-'));
  try {
    mkdirSync(join(closed, 'open'), { mode: 0o755 });
    expect(isReachable(join(closed, 'open'), 0)).toBe(false);
    expect(isReachable(join(closed, 'open'), 1_000)).toBe(true);
  } finally {
    rmSync(closed, { recursive: true });
  }
});

it('always has a remedy', async () => {
  const { reason, remedy } = await explainFailure('No permissions to create a new namespace');
  expect(reason).toContain('No permissions');
  expect(remedy.length).toBeGreaterThan(10);
});
