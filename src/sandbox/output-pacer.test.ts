import { jest } from '@jest/globals';
import type { SandboxOutputChunk } from '../contract/sandbox.ts';
import { outputPacer } from './output-pacer.ts';

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick'] }));
afterEach(() => void jest.useRealTimers());

function collect(): {
  chunks: (SandboxOutputChunk & { at: number })[];
  pacer: ReturnType<typeof outputPacer>;
} {
  const chunks: (SandboxOutputChunk & { at: number })[] = [];
  return { chunks, pacer: outputPacer((chunk) => void chunks.push({ ...chunk, at: performance.now() })) };
}

it('gathers small writes and sends them soon', () => {
  const { chunks, pacer } = collect();
  for (const letter of 'hello') pacer.push('stdout', Buffer.from(letter));
  jest.advanceTimersByTime(50);
  expect(chunks).toMatchObject([{ stream: 'stdout', text: 'hello' }]);
});

it('sends at most ten chunks of 16 KiB in any second, the last ones at the end included', () => {
  const { chunks, pacer } = collect();
  for (let step = 0; step < 500; step += 1) {
    pacer.push('stdout', Buffer.from('ü'.repeat(4_000)));
    pacer.push('stderr', Buffer.alloc(3_000, 0xff));
    jest.advanceTimersByTime(10);
  }
  pacer.end();
  expect(chunks.length).toBeGreaterThan(30);
  for (const { text, at } of chunks) {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
    expect(chunks.filter((other) => other.at >= at && other.at < at + 1_000).length).toBeLessThanOrEqual(10);
  }
  expect(chunks.some(({ text }) => /bytes not shown/.test(text))).toBe(true);
});

it('does not cut a character in two', () => {
  const { chunks, pacer } = collect();
  const bytes = Buffer.from('🌍'.repeat(9_000));
  for (let at = 0; at < bytes.length; at += 1_001) pacer.push('stdout', bytes.subarray(at, at + 1_001));
  jest.advanceTimersByTime(2_000);
  pacer.end();
  expect(chunks.map(({ text }) => text).join('')).toBe('🌍'.repeat(9_000));
});

it('sends what is left at the end, and nothing after it', () => {
  const { chunks, pacer } = collect();
  pacer.push('stderr', Buffer.from('last words'));
  pacer.end();
  pacer.push('stderr', Buffer.from('too late'));
  jest.advanceTimersByTime(5_000);
  expect(chunks).toMatchObject([{ stream: 'stderr', text: 'last words' }]);
});
