import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Product, startProduct } from '../support/product.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/ide.md');
const PASSWORD = 'the password of the page';

let product: Product;
let directory: string;
let blocks: string[];
let shell: Shell;

beforeAll(async () => {
  product = await startProduct({ admin_password: PASSWORD });
  directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-docs-'));
  await mkdir(path.join(directory, '.orchestrator'));
  const { admin_email } = product.config.auth;
  const dev = { api_url: product.url, admin_email, admin_password: PASSWORD };
  await writeFile(path.join(directory, '.orchestrator/dev.json'), JSON.stringify(dev));
  const page = await readFile(PAGE, 'utf8');
  blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!);
  shell = openShell(directory);
});
afterAll(async () => {
  await shell?.close();
  await product?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Types the next block of the page, which has this in it, and answers what it says. */
function type(part: string): Promise<string> {
  const block = blocks.shift();
  expect(block).toContain(part);
  return shell.run(block!);
}
const variable = async (name: string) => (await shell.run(`echo "$${name}"`)).trim();
const get = async (route: string) => product.call('GET', route);
const storeOf = async (ref: string) => {
  const found = await get(`/workflows/${encodeURIComponent(ref)}?materialize=true`);
  return (found.body as { definition: { nodes: Record<string, object> } }).definition.nodes;
};
const changed = {
  fetch: { retry: { max_attempts: 5, initial_interval_ms: 10_000 } },
  store: { timeout_seconds: 30 },
};

test('whoever types what the page shows goes from words to a deployed version, and back', async () => {
  await type('auth/login');
  expect((await variable('TOKEN')).length).toBeGreaterThan(50);

  expect(await type('/refinements')).toMatch(/completed\n$/);
  const proposal = `/proposals/${await variable('PROPOSAL')}`;
  expect((await get(proposal)).body).toMatchObject({ status: 'completed', understood: true, questions: [] });
  expect((await get('/tags/rates')).body).toMatchObject({ version: 1 });
  expect(await storeOf('rates/draft')).toEqual(await storeOf('rates'));

  expect(await type('/back-test')).toBe('completed\n1\n1\n');

  expect(await type('/approve')).toMatch(/^approved\n\{.*"changed":\[\{"node":"fetch"/);
  expect((await get(proposal)).body).toMatchObject({ status: 'approved' });
  expect(await storeOf('rates/draft')).toMatchObject(changed);
  expect(await storeOf('rates')).not.toMatchObject(changed);

  const production = async () => (await get('/tags/rates%2Fproduction')).body.target_hash;
  const head = async () => (await get('/tags/rates')).body.target_hash;
  expect(await type('/environments/production')).toBe('production\ncompleted\n');
  const first = await head();
  expect(await production()).toBe(first);

  expect(await type('/workflows/rates/versions')).toBe('2\ncompleted\n');
  expect((await get('/tags/rates%2Fdraft')).status).toBe(404);
  expect(await storeOf('rates')).toMatchObject(changed);
  expect(await production()).toBe(await head());
  expect(await production()).not.toBe(first);

  expect(await type('/undo')).toBe('completed\n');
  expect(await production()).toBe(first);
  const undo = (await get(`/runs/${await variable('UNDO')}`)).body;
  expect(undo).toMatchObject({ type: 'deployment', state: 'completed' });
  expect(blocks).toEqual([]);
});

interface Shell {
  /** What the commands say on standard output; fails with what they say on the other. */
  run(commands: string): Promise<string>;
  close(): Promise<void>;
}

/** One bash for everything, as a reader has it. */
function openShell(cwd: string): Shell {
  const node = path.dirname(process.execPath);
  const env = { PATH: `${node}:${process.env.PATH}`, HOME: cwd };
  const bash: ChildProcess = spawn('bash', { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let complaints = '';
  let heard = () => {};
  bash.stdout!.on('data', (text: Buffer) => {
    said += text.toString();
    heard();
  });
  bash.stderr!.on('data', (text: Buffer) => (complaints += text.toString()));
  const ended = new Promise<void>((resolve) => bash.once('exit', () => resolve()));
  return {
    async run(commands) {
      const mark = `done ${randomUUID()}`;
      said = '';
      const over = new Promise<void>((resolve) => {
        heard = () => void (said.includes(mark) && resolve());
      });
      bash.stdin!.write(`${commands}\necho '${mark}'\n`);
      await Promise.race([over, ended]);
      expect(complaints).toBe('');
      return said.slice(0, said.indexOf(mark));
    },
    async close() {
      bash.stdin!.end();
      await ended;
    },
  };
}
