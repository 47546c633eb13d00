import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { LINE_CHECKS } from '../../src/domain/rules/bundle-lines.ts';
import { definition, transform } from '../support/definitions.ts';
import { type Product, startProduct } from '../support/product.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/bundles.md');
const run = promisify(execFile);
let ours: Product;
let theirs: Product;
let directory: string;
let page: string;

beforeAll(async () => {
  [ours, theirs] = [await startProduct({ worker: false }), await startProduct({ worker: false })];
  directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-docs-'));
  page = await readFile(PAGE, 'utf8');
});

afterAll(async () => {
  await ours?.stop();
  await theirs?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The commands of the page that have this in them, as they stand there. */
const shown = (part: string): string => {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!);
  return blocks.find((block) => block.includes(part)) ?? `echo 'the page shows no ${part}' >&2; exit 1`;
};

async function bash(...commands: string[]): Promise<string> {
  const alias = (name: string, { token }: Product) =>
    `alias ${name}='curl -sS --fail-with-body -H "Authorization: Bearer ${token}"'`;
  const script = [
    'set -eo pipefail; shopt -s expand_aliases',
    alias('ours', ours),
    alias('theirs', theirs),
    ...commands,
  ];
  const env = { PATH: process.env.PATH, OURS: `${ours.url}/api/v1`, THEIRS: `${theirs.url}/api/v1` };
  return (await run('bash', ['-c', script.join('\n')], { cwd: directory, env })).stdout;
}

test('the commands of the page do what it says', async () => {
  await ours.publish('checkout', definition('checkout', { a: transform(1) }));
  await bash(shown('-o checkout.bundle'));
  const [computed, trailer] = (await bash(shown('sha256sum'))).trim().split('\n');
  expect(JSON.parse(trailer!)).toMatchObject({ trailer: { sha256: computed!.split(' ')[0] } });
  expect(JSON.parse(await bash(shown('-T checkout.bundle')))).toMatchObject({
    tags: [{ result: 'unchanged' }],
  });

  await theirs.publish('checkout', definition('checkout', { a: transform(1) }));
  await theirs.publish('checkout', definition('checkout', { a: transform(2) }));
  expect(JSON.parse(await bash(shown('bundle?have=$HAVE')))).toMatchObject({
    imported: { artifacts: 1 },
    tags: [{ result: 'fast_forwarded' }],
  });
  const negotiated = JSON.parse(await bash(shown('import/negotiate'))) as {
    have: string[];
    missing: string[];
  };
  expect([negotiated.have.length, negotiated.missing.length]).toEqual([2, 0]);
}, 60_000);

test('the table of the format names every kind of line, in their order', () => {
  const table = /^\| member \| says \|\n\|.*\n((?:\|.*\n)+)/m.exec(page)![1]!;
  const kinds = table.split('\n').flatMap((row) => /^\| (`.*?`) \|/.exec(row)?.[1]?.match(/\w+/g) ?? []);
  expect(kinds).toEqual(Object.keys(LINE_CHECKS));
});
