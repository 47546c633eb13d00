import { openSandbox } from './open.ts';

const { report, run } = await openSandbox({ force_backend: 'wasm' });
const script = { language: 'javascript', accept_wasm: true } as const;

describe('QuickJS, where namespaces are not to be had', () => {
  it('is reported for javascript and typescript only, with the reason and the remedy', () => {
    expect(report).toMatchObject({
      available: true,
      isolation: 'wasm',
      reason: expect.any(String) as string,
    });
    const available = report.languages.filter((one) => one.available).map((one) => one.language);
    expect(available).toEqual(['javascript', 'typescript']);
  });

  it('runs only what accepts it', async () => {
    const code = 'sandbox_unavailable';
    await expect(run({ language: 'javascript', source: '1' })).rejects.toMatchObject({ code });
    await expect(run({ language: 'python', source: '1', accept_wasm: true })).rejects.toMatchObject({ code });
    await expect(run({ ...script, source: '1', files: { a: Buffer.from('a') } })).rejects.toMatchObject({
      code,
    });
  });

  it('computes', async () => {
    const result = await run({
      ...script,
      source: `console.log(args[0], stdin, [1, 2].map((x) => x * 2)); console.error('e')`,
      args: ['a'],
      stdin: 'in',
    });
    expect(result).toMatchObject({
      cause: 'exited',
      exit_code: 0,
      isolation: 'wasm',
      stdout: 'a in [2,4]\n',
      stderr: 'e\n',
    });
    const typed = await run({
      ...script,
      language: 'typescript',
      module: 'esm',
      source: 'const x: number = await Promise.resolve(3); console.log(x)',
    });
    expect(typed).toMatchObject({ cause: 'exited', exit_code: 0, stdout: '3\n' });
  });

  it('reaches nothing of the host', async () => {
    const source = `const names = ['process', 'require', 'fetch', 'setTimeout', 'std', 'os', 'WebAssembly', 'Worker', 'Buffer', 'global'];
console.log(names.filter((name) => name in globalThis).join());
try { console.log(this.constructor.constructor('return typeof process')()); } catch (e) { console.log(e.message) }
import('node:fs').then(() => console.log('IMPORTED'), () => console.log('no import'));`;
    const result = await run({ ...script, source });
    expect(result.stdout).toBe('\nundefined\nno import\n');
  });

  it('ends an endless loop and a program that throws, whatever it throws', async () => {
    expect(await run({ ...script, source: 'for (;;);', limits: { wall_ms: 300 } })).toMatchObject({
      cause: 'timeout',
    });
    const thrown = await run({ ...script, source: `throw new TypeError('boo')` });
    expect(thrown).toMatchObject({ cause: 'exited', exit_code: 1 });
    expect(thrown.stderr).toContain('TypeError: boo');
    expect(await run({ ...script, source: 'throw null' })).toMatchObject({
      exit_code: 1,
      stderr: 'Uncaught null\n',
    });
  });

  it.each([
    ['arrays', 'const a = []; for (;;) a.push(new Array(1000).fill(1))'],
    ['buffers', 'const a = []; for (;;) a.push(new Uint8Array(1e6))'],
    ['objects', 'const a = []; for (;;) a.push({ a })'],
    ['strings', `const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)`],
  ])('gives a program no more memory than its limit, filled with %s', async (_what, source) => {
    const memory_bytes = 32 * 2 ** 20;
    const result = await run({ ...script, source, limits: { memory_bytes, wall_ms: 60_000 } });
    expect(result).toMatchObject({ cause: 'memory_limit', exit_code: 1 });
    expect(result.usage.peak_memory_bytes).toBeGreaterThan(memory_bytes / 2);
    expect(result.usage.peak_memory_bytes).toBeLessThanOrEqual(memory_bytes);
  });

  it('can be cancelled', async () => {
    const endless = { ...script, source: 'for (;;);', limits: { wall_ms: 60_000 } };
    const result = await run(endless, { signal: AbortSignal.timeout(300) });
    expect(result).toMatchObject({ cause: 'cancelled' });
    expect(result.usage.wall_ms).toBeLessThan(30_000);
  });
});
