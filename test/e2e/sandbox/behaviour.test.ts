import type { SandboxOutputChunk, SandboxRequest } from '../../../src/contract/sandbox.ts';
import { openSandbox, type Run } from './open.ts';

const { report, run } = await openSandbox();
const strong = report.isolation === 'namespaces';
const bare = await openSandbox({ force_backend: 'process', unsafe_process: true });
const backends: [string, Run][] = [
  ...(strong ? [['namespaces', run] as [string, Run]] : []),
  ['process', bare.run],
];

describe.each(backends)('a program in %s', (isolation, runHere) => {
  const programs: [string, SandboxRequest, string][] = [
    [
      'javascript as CommonJS',
      {
        language: 'javascript',
        source: `console.log(typeof require, process.argv.slice(2).join())`,
        args: [`a'b`, 'c d'],
      },
      `function a'b,c d\n`,
    ],
    [
      'javascript as a module',
      {
        language: 'javascript',
        module: 'esm',
        source: `import fs from 'node:fs'; console.log(await Promise.resolve(fs.readFileSync(0, 'utf8')));`,
        stdin: 'in',
      },
      'in\n',
    ],
    [
      'typescript',
      {
        language: 'typescript',
        source: `enum Colour { Red = 'red' }\nconst colour: Colour = Colour.Red;\nconsole.log(colour);`,
      },
      'red\n',
    ],
    [
      'typescript as a module',
      {
        language: 'typescript',
        module: 'esm',
        source: `const x: number = await Promise.resolve(4); console.log(x);`,
      },
      '4\n',
    ],
    [
      'python with a module beside it',
      {
        language: 'python',
        source: `import helper, sys\nprint(helper.x, sys.argv[1:])`,
        files: { 'helper.py': Buffer.from('x = 5') },
        args: ['y'],
      },
      `5 ['y']\n`,
    ],
    [
      'bash with environment and files',
      {
        language: 'bash',
        source: `echo "$GREETING $(cat data/a.txt) $1"`,
        env: { GREETING: `it's "me" $HOME` },
        files: { 'data/a.txt': Buffer.from('file') },
        args: ['*'],
      },
      `it's "me" $HOME file *\n`,
    ],
  ];

  it.each(programs)('runs %s', async (_name, request, stdout) => {
    const result = await runHere(request);
    expect(result).toMatchObject({ cause: 'exited', exit_code: 0, stdout, stderr: '', isolation });
  });

  it('hands back exit codes, signals and outputs', async () => {
    expect(await runHere({ language: 'bash', source: 'exit 7' })).toMatchObject({
      cause: 'exited',
      exit_code: 7,
      signal: null,
    });
    expect(await runHere({ language: 'bash', source: 'kill -SEGV $$' })).toMatchObject({
      cause: 'signaled',
      exit_code: null,
      signal: 'SIGSEGV',
    });
    const { artifacts } = await runHere({
      language: 'bash',
      source: `mkdir -p out/a; printf '\\001x' > out/a/b; touch out/.hidden`,
    });
    expect(artifacts.map(({ path }) => path).sort()).toEqual(['.hidden', 'a/b']);
    expect(artifacts.find(({ path }) => path === 'a/b')?.bytes).toEqual(new Uint8Array([1, 120]));
  });

  it('reports what a run used', async () => {
    const source = `import time\nb = bytearray(60_000_000)\nfor i in range(0, len(b), 4096): b[i] = 1\nt = time.process_time()\nwhile time.process_time() - t < 0.3: pass`;
    const { usage } = await runHere({ language: 'python', source });
    expect(usage.peak_memory_bytes).toBeGreaterThan(60_000_000);
    expect(usage.peak_memory_bytes).toBeLessThan(100_000_000);
    expect(usage.cpu_ms).toBeGreaterThanOrEqual(250);
    expect(usage.wall_ms).toBeGreaterThanOrEqual(290);
  });

  it('says where a TypeScript program does not parse, without running it', async () => {
    const result = await runHere({ language: 'typescript', source: 'const x: = 1' });
    expect(result).toMatchObject({ cause: 'exited', exit_code: 1, stdout: '' });
    expect(result.stderr).toContain('main.ts:1:9');
  });

  it('keeps head and tail of long output and counts all of it', async () => {
    const result = await runHere({
      language: 'bash',
      source: 'echo first; seq 1 400000; echo last',
      limits: { output_bytes: 10_000 },
    });
    expect(result.truncated).toBe(true);
    expect(result.stdout_bytes).toBe(6 + 2_688_895 + 5);
    expect(Buffer.byteLength(result.stdout)).toBeLessThanOrEqual(10_000);
    expect(result.stdout.startsWith('first\n1\n2\n')).toBe(true);
    expect(result.stdout.endsWith('400000\nlast\n')).toBe(true);
  });

  it('streams output while the program runs, at most ten chunks a second', async () => {
    const chunks: (SandboxOutputChunk & { at: number })[] = [];
    const started = performance.now();
    const onOutput = (chunk: SandboxOutputChunk): void =>
      void chunks.push({ ...chunk, at: performance.now() - started });
    const source =
      'for i in $(seq 150); do echo line $i; sleep 0.01; done; head -c 300000 /dev/zero | tr "\\0" x';
    const result = await runHere({ language: 'bash', source }, { onOutput });
    const ended_at = performance.now() - started;
    expect(result.cause).toBe('exited');
    expect(chunks[0]!.at).toBeLessThan(ended_at - 500);
    for (const { text, at } of chunks) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
      expect(chunks.filter((other) => other.at >= at && other.at < at + 1_000).length).toBeLessThanOrEqual(
        10,
      );
    }
  });
});

(strong ? describe : describe.skip)('the strong sandbox', () => {
  it('runs no more programs at once than it may', async () => {
    const narrow = await openSandbox({ max_concurrency: 1 });
    const started = performance.now();
    await Promise.all([1, 2, 3].map(() => narrow.run({ language: 'bash', source: 'sleep 0.2' })));
    expect(performance.now() - started).toBeGreaterThan(600);
  });

  it('tells which limit a program met', async () => {
    // Whatever a busy machine takes, it is not the time that stops them.
    const limits = { wall_ms: 120_000, cpu_ms: 120_000 };
    const one_file = 'exec head -c 20000000 /dev/zero > big';
    expect((await run({ language: 'bash', source: one_file, limits })).cause).toBe('disk_limit');
    const full = `import os\nwhile True:\n  with open('/tmp/%d' % len(os.listdir('/tmp')), 'wb') as f: f.write(b'x' * 1000000)`;
    expect((await run({ language: 'python', source: full, limits })).cause).toBe('disk_limit');
    const heap = `const a = []; for (;;) a.push({ x: Math.random() + 'y'.repeat(100) });`;
    const small = { ...limits, memory_bytes: 128 * 2 ** 20 };
    expect((await run({ language: 'javascript', source: heap, limits: small })).cause).toBe('memory_limit');
    expect((await run({ language: 'bash', source: 'sleep 5', limits: { wall_ms: 300 } })).cause).toBe(
      'timeout',
    );
  });

  it('holds the number of processes', async () => {
    const source = `import os, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(5); os._exit(0)\n    n += 1\nexcept OSError: print(n)`;
    const { stdout } = await run({ language: 'python', source, limits: { processes: 20 } });
    expect(Number(stdout)).toBeGreaterThan(10);
    expect(Number(stdout)).toBeLessThanOrEqual(21);
  });

  it('never shows the program, its arguments or its environment on a command line', async () => {
    const { stdout } = await run({
      language: 'bash',
      source: `tr '\\0' ' ' < /proc/1/cmdline; ls -l /proc/1/fd 2>&1 | tail -1`,
      env: { TOKEN: 'hush' },
    });
    expect(stdout).toBe(
      '/run/sh /run/launch ' + "ls: cannot open directory '/proc/1/fd': Permission denied\n",
    );
  });
});

describe('a bare process', () => {
  it('needs an explicit yes, and a second one in production', async () => {
    const forced = { force_backend: 'process' } as const;
    const refused = [
      await openSandbox(forced),
      await openSandbox({ ...forced, environment: 'production', unsafe_process: true }),
    ];
    for (const sandbox of refused) {
      expect(sandbox.report).toMatchObject({ available: false, isolation: null });
      await expect(sandbox.run({ language: 'bash', source: 'true' })).rejects.toMatchObject({
        code: 'sandbox_unavailable',
      });
    }
    const yes = { unsafe_process: true, unsafe_process_in_production: true };
    const allowed = await openSandbox({ ...forced, ...yes, environment: 'production' });
    expect((await allowed.run({ language: 'bash', source: 'true' })).isolation).toBe('process');
  });

  it('is not chosen where the strong sandbox holds', () => {
    if (strong) expect(report.isolation).toBe('namespaces');
  });
});
