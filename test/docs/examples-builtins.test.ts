import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { serviceProcess } from '../../src/clients/deployers/service-process.ts';
import { startProduct, type Product } from '../support/product.ts';
import { portBelow } from '../support/web-application.ts';
import { stopSoundly } from '../support/stop-soundly.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

let product: Product;
let scratch: string;
let port: number;

beforeAll(async () => {
  scratch = await realpath(await mkdtemp(path.join(os.tmpdir(), 'orchestrator-examples-')));
  port = await portBelow();
  product = await startProduct({
    code: true,
    env: { ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: path.join(scratch, 'reviewed') },
  });
});
afterAll(async () => {
  const { directory } = product.config.deployments;
  const place = path.join(directory, '00000000-0000-7000-8000-000000000001', 'web', 'run');
  await serviceProcess(place).stop(0);
  await stopSoundly(product);
  await rm(scratch, { recursive: true, force: true });
});

/** A reader asks again when a run takes longer than its wait, and sees where one answer ends. */
const CURL = `curl() {
  for _ in 1 2 3 4 5 6; do
    out=$(command curl "$@")
    case "$* $out" in *'?wait='*'"ended_at":null'*) ;; *) break ;; esac
  done
  printf '%s\\n' "$out"
}
`;

/** Follows the page of an example, all of its commands in one shell; answers what they printed. */
function follow(example: string, more = ''): Promise<string> {
  const page = readFileSync(path.join(ROOT, 'examples', example, 'README.md'), 'utf8');
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, commands]) => commands!);
  const commands = CURL + blocks.filter((block) => !block.includes('npm start')).join('\n') + more;
  return run(commands.replaceAll('/tmp/', `${scratch}/`).replaceAll('8090', String(port)));
}

function run(commands: string): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    API: `${product.url}/api/v1`,
    AUTH: `authorization: Bearer ${product.token}`,
    JSON: 'content-type: application/json',
  };
  return new Promise((resolve, reject) => {
    execFile('bash', ['-eu', '-o', 'pipefail', '-c', commands], { cwd: ROOT, env }, (error, out, problems) =>
      error ? reject(new Error(`${out}\n${problems}`, { cause: error })) : resolve(out),
    );
  });
}

/** The JSON documents that were printed, one a line. */
const documents = (printed: string) =>
  printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('code-execution: the result, and the file it left', async () => {
  expect(documents(await follow('code-execution')).at(-1)).toMatchObject({
    state: 'completed',
    output: {
      success: true,
      result: { mean: 4, over: [3, 8] },
      artifacts: [{ path: 'sorted.txt' }],
    },
  });
});

test('code-analysis: the three defects, each with its line', async () => {
  const report = await follow('code-analysis');
  for (const place of ['cart.js:8', 'cart.js:9', 'cart.js:11']) expect(report).toContain(place);
});

test('code-review: one comment, on a line that the branch adds', async () => {
  expect(documents(await follow('code-review')).at(-1)).toMatchObject({
    state: 'completed',
    output: { approved: false, comments: [{ path: 'price.js', line: 6 }] },
  });
});

test('intent-processing: the plan waits for its approval, and is carried out', async () => {
  const run = documents(await follow('intent-processing')).at(-1)!;
  expect(run).toMatchObject({ state: 'completed', output: { status: 'completed' } });
  const { results } = run.output as {
    results: Record<string, { state: string; output: { stdout?: string } }>;
  };
  expect(Object.values(results).map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
  expect(JSON.stringify(results)).toContain('42\\n');
});

test('web-server: served, kept when the next one is broken, and taken back by one call', async () => {
  const printed = await follow('web-server', `\ncurl 'http://127.0.0.1:8090/greet?name=Ada'`);
  const lines = printed.split('\n').filter((line) => !line.startsWith('{'));
  expect(lines.filter((line) => line !== '')).toEqual([
    expect.stringMatching(/is live in web\.$/),
    'Hello, Ada!',
    expect.stringMatching(/was not released to web\.$/),
    'Hello, Ada!',
    expect.stringMatching(/is live in web\.$/),
    expect.stringMatching(/is live in web\.$/),
    'Hello, Ada!',
  ]);
  await run(`sh examples/web-server/stop.sh ${product.config.data_dir}`);
  await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
});
