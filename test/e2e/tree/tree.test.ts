import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { contentHash } from '../../../src/domain/rules/content-hash.ts';
import { compiled } from '../../support/compiled.ts';
import { definition, transform } from '../../support/definitions.ts';
import { type Product, startProduct } from '../../support/product.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
let api: Product;
let tree: string;

beforeAll(async () => {
  api = await startProduct({ worker: false });
});

afterAll(() => api?.stop());

beforeEach(async () => {
  tree = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-tree-'));
});

afterEach(() => rm(tree, { recursive: true, force: true }));

/** What `npm run tree -- …` runs, in a process of its own. */
const treeOf = async (...args: string[]) =>
  execute([await compiled('src/dev/tree'), ...args, '--url', api.url, '--token', api.token]);

/** `npm run tree -- …`, as a user starts it. */
const npmRunTree = (args: string[], env: Record<string, string> = {}) =>
  execute(['src/dev/bootstrap.mjs', 'tree', ...args], env);

async function execute(command: string[], env: Record<string, string> = {}) {
  const { NODE_OPTIONS: _options, ...inherited } = process.env;
  try {
    const { stdout: out, stderr: err } = await run(process.execPath, command, {
      cwd: ROOT,
      env: { ...inherited, ...env },
    });
    return { status: 0, out, err };
  } catch (error) {
    const {
      code: status,
      stdout: out,
      stderr: err,
    } = error as { code: number; stdout: string; stderr: string };
    return { status, out, err };
  }
}

const git = async (...args: string[]) => {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false'];
  return (await run('git', ['-C', tree, ...who, ...args])).stdout.trim();
};
const commit = async (message: string) => {
  await git('add', '--all');
  await git('commit', '--quiet', '--allow-empty', '-m', message);
};
const read = (file: string) => readFile(path.join(tree, file), 'utf8');
const write = async (file: string, text: string) => {
  await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
  await writeFile(path.join(tree, file), text);
};
const edit = async (file: string, from: string, to: string) => {
  const text = await read(file);
  expect(text).toContain(from);
  await write(file, text.replace(from, to));
};

async function putBlob(text: string): Promise<string> {
  const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'text/x-python' };
  const answer = await fetch(`${api.url}/api/v1/blobs`, { method: 'PUT', headers, body: text });
  return ((await answer.json()) as { cas_id: string }).cas_id;
}

/** A workflow with a program as a file, a staging tag and a production tag on an older version. */
async function publishShop(name: string): Promise<void> {
  const check = await putBlob('print("checked")\n');
  const nodes = {
    check: { type: 'code', config: { language: 'python', file: 'programs/check.py' } },
    done: transform('${{ steps.check.output.stdout }}', { needs: ['check'] }),
  };
  const files = {
    'programs/check.py': check,
    'config.json': { retries: 3 },
    'lost.bin': contentHash('lost'),
  };
  await api.publish(name, definition(name, nodes, { files }));
  await api.call('PUT', `/tags/${name}%2Fproduction`, { target: name });
  await api.publish(name, definition(name, { ...nodes, more: transform('no\nyes\n') }, { files }));
  await api.call('PUT', `/tags/${name}%2Feu%2Fstaging`, { target: name });
}

const versionOf = async (tag: string) =>
  (
    await api.call<{ version_hash: string; message: string; tag_version: number }>(
      'GET',
      `/workflows/${encodeURIComponent(tag)}`,
    )
  ).body;

test('out, edited, committed, in, and out again: the tree is as it was committed', async () => {
  await publishShop('shop');
  await git('init', '--quiet');
  const out = await treeOf('export', tree, '--workflow', 'shop');
  expect(out).toEqual({
    status: 0,
    err: '',
    out: 'created    shop\ncreated    shop/eu/staging\ncreated    shop/production\n3 created\n',
  });
  await commit('as it is');
  expect((await git('ls-files')).split('\n')).toEqual([
    'shop.yaml',
    'shop/eu/staging.yaml',
    'shop/eu/staging@files/programs/check.py',
    'shop/production.yaml',
    'shop/production@files/programs/check.py',
    'shop@files/programs/check.py',
  ]);
  expect(await read('shop@files/programs/check.py')).toBe('print("checked")\n');
  // What is a file is not in the text; what is none, or is not to be had, is.
  expect(await read('shop.yaml')).toContain(
    `files:\n  config.json:\n    retries: 3\n  lost.bin: ${contentHash('lost')}\n`,
  );
  expect(await read('shop.yaml')).toContain('value: |\n        no\n        yes\n');

  const unchanged = await treeOf('import', tree);
  expect([unchanged.status, unchanged.out]).toEqual([
    0,
    'unchanged  shop\nunchanged  shop/eu/staging\nunchanged  shop/production\n3 unchanged\n',
  ]);

  await edit('shop.yaml', 'yes\n', 'yes indeed\n');
  await write('shop@files/programs/check.py', 'print("checked twice")\n');
  await write('shop@files/data/new.txt', 'new\n');
  await write('shop/next.yaml', await read('shop.yaml'));
  await write('shop/next@files/programs/check.py', 'print("next")\n');
  await commit('Check twice\n\nOnce is not enough.');
  const before = await versionOf('shop');
  const imported = await treeOf('import', tree);
  expect([imported.status, imported.out]).toEqual([
    0,
    'updated    shop\nunchanged  shop/eu/staging\ncreated    shop/next\nunchanged  shop/production\n1 updated, 2 unchanged, 1 created\n',
  ]);
  const after = await versionOf('shop');
  expect(after).toMatchObject({
    message: 'Check twice\n\nOnce is not enough.',
    tag_version: before.tag_version + 1,
  });
  const { body } = await api.call<{ definition: { files: object } }>(
    'GET',
    '/workflows/shop?materialize=true',
  );
  expect(body.definition.files).toEqual({
    'programs/check.py': contentHash('print("checked twice")\n'),
    'data/new.txt': contentHash('new\n'),
    'config.json': { retries: 3 },
    'lost.bin': contentHash('lost'),
  });

  expect((await treeOf('export', tree, '--workflow', 'shop')).out).toMatch(/4 unchanged\n$/);
  expect(await git('status', '--porcelain')).toBe('');
  // A new tree differs in nothing either: what is written depends on what there is alone.
  for (const entry of await readdir(tree))
    if (entry !== '.git') await rm(path.join(tree, entry), { recursive: true });
  await treeOf('export', tree, '--workflow', 'shop');
  expect(await git('status', '--porcelain')).toBe('');
}, 120_000);

test('what was changed there comes in with an export; comments stay where nothing changed', async () => {
  await publishShop('notes');
  await treeOf('export', tree, '--workflow', 'notes');
  await edit('notes.yaml', 'schema_version: 1\n', '# Mine.\nschema_version: 1\n');
  const production = await read('notes/production.yaml');
  await api.call('PUT', '/tags/notes%2Fproduction', { target: 'notes' });
  await api.call('POST', '/patches', {
    tag: 'notes/eu/staging',
    operations: [
      { op: 'remove', path: '/files/programs~1check.py' },
      { op: 'remove', path: '/nodes/check' },
      { op: 'replace', path: '/nodes/done', value: transform(1) },
    ],
  });
  await api.call('DELETE', '/tags/notes%2Fproduction');
  const { out } = await treeOf('export', tree, '--workflow', 'notes');
  expect(out).toBe(
    'unchanged  notes\nupdated    notes/eu/staging\nonly here  notes/production\n1 unchanged, 1 updated, 1 only here\n',
  );
  expect(await read('notes.yaml')).toMatch(/^# Mine\.\n/);
  expect(await read('notes/production.yaml')).toBe(production);
  expect(await readdir(path.join(tree, 'notes/eu'))).toEqual(['staging.yaml']);
}, 60_000);

test('JSON does as well, and a file keeps the format it has', async () => {
  await publishShop('formats');
  await treeOf('export', tree, '--workflow', 'formats', '--format', 'json');
  const text = await read('formats.json');
  expect(JSON.parse(text)).toMatchObject({ name: 'formats' });
  expect(text).toMatch(/^\{\n {2}"schema_version": 1,\n {2}"name": "formats"/);
  expect((await treeOf('import', tree)).out).toMatch(/3 unchanged\n$/);
  await api.publish('formats', definition('formats', { only: transform(1) }));
  await treeOf('export', tree, '--workflow', 'formats');
  expect((await readdir(tree)).sort()).toEqual(['formats', 'formats.json']);
}, 60_000);

test('what is wrong is refused by file, line and column; everything else comes in', async () => {
  await write(
    'good.yaml',
    'schema_version: 1\nname: good\nnodes:\n  a:\n    type: transform\n    config: {value: 1}\n',
  );
  await write(
    'bad.yaml',
    'schema_version: 1\nname: bad\nnodes:\n  a:\n    type: transfrom\n  b:\n    type: transform\n    needs: [z]\n    config:\n      value: 1\n',
  );
  await write('torn.yaml', 'name: [x\n');
  await write('odd.yaml', 'name: .inf\n');
  await write('twice.yaml', 'name: x\n');
  await write('twice.json', '{"name": "x"}\n');
  await write('not a tag.yaml', 'name: x\n');
  await write('proto.json', '{"schema_version": 1, "name": "x", "nodes": {},\n "__proto__": 1}\n');
  await write('.hidden.yaml', 'name: x\n');
  await symlink('/etc/hostname', path.join(tree, 'link.yaml'));
  const { status, out } = await treeOf('import', tree, '--message', 'by hand');
  expect(status).toBe(1);
  expect(out.split('\n')).toEqual([
    'refused    bad',
    expect.stringMatching(/^ {2}bad\.yaml:4:3: \/nodes\/a\/config: /),
    expect.stringMatching(/^ {2}bad\.yaml:5:5: \/nodes\/a\/type: /),
    expect.stringMatching(/^ {2}bad\.yaml:8:13: \/nodes\/b\/needs\/0: /),
    'created    good',
    'refused    not a tag',
    expect.stringMatching(/^ {2}not a tag\.yaml/),
    'refused    odd',
    expect.stringMatching(/^ {2}odd\.yaml: Infinity/),
    'refused    proto',
    expect.stringMatching(/^ {2}proto\.json:2:2: \/__proto__: /),
    'refused    torn',
    expect.stringMatching(/^ {2}torn\.yaml:2:1: /),
    'refused    twice',
    '  twice.json: twice.yaml is of the same tag',
    'refused    twice',
    '  twice.yaml: twice.json is of the same tag',
    '7 refused, 1 created',
    '',
  ]);
  expect((await versionOf('good')).message).toBe('by hand');
}, 60_000);

test('a protected tag is not moved by a tree', async () => {
  await api.publish('locked', definition('locked', { a: transform(1) }));
  await api.call('PUT', '/tags/locked', { target: 'locked', protected: true });
  await treeOf('export', tree, '--workflow', 'locked');
  expect((await treeOf('import', tree)).out).toMatch(/1 unchanged\n$/);
  await edit('locked.yaml', 'value: 1', 'value: 2');
  const { status, out } = await treeOf('import', tree);
  expect([status, out]).toEqual([
    1,
    expect.stringMatching(/^refused +locked\n {2}locked\.yaml: A protected tag needs If-Match/),
  ]);
});

test('a file never leads out of the tree, and what cannot be a file stays in the text', async () => {
  const cas_id = await putBlob('x');
  const names = [
    '../out',
    '/etc/out',
    'a/../../out',
    '.git/hooks/post-checkout',
    'a',
    'a/b',
    'A',
    'c\\d',
    'e:f',
    '',
  ];
  const fitting = names.filter((name) => name !== '');
  const files = Object.fromEntries(fitting.map((name) => [name, cas_id]));
  await api.publish('paths', definition('paths', { a: transform(1) }, { files }));
  await treeOf('export', tree, '--workflow', 'paths');
  expect(await readdir(path.join(tree, 'paths@files'))).toHaveLength(1);
  expect((await readdir(tree)).sort()).toEqual(['paths.yaml', 'paths@files']);
  expect((await treeOf('import', tree)).out).toMatch(/1 unchanged\n$/);
});

test('says how it is used', async () => {
  const usage = { status: 1, err: expect.stringContaining('usage: npm run tree') as string };
  expect(await npmRunTree(['push', tree])).toMatchObject(usage);
  expect(await treeOf('push', tree)).toMatchObject(usage);
  expect(await treeOf('export')).toMatchObject(usage);
  expect(await treeOf('export', tree, '--format', 'xml')).toMatchObject(usage);
  expect(await treeOf('export', tree, '--what')).toMatchObject(usage);
});

test('uses the stack that runs here, and shows its token to nobody else', async () => {
  await write('data/dev.json', JSON.stringify({ api_url: api.url, token: api.token }));
  await api.publish('dev-file', definition('dev-file', { a: transform(1) }));
  const env = { ORCHESTRATOR_DATA_DIR: path.join(tree, 'data'), INIT_CWD: tree };
  const args = ['export', 'out', '--workflow', 'dev-file'];
  expect(await npmRunTree(args, env)).toMatchObject({ status: 0, out: 'created    dev-file\n1 created\n' });
  expect(await read('out/dev-file.yaml')).toContain('name: dev-file\n');
  const other = await npmRunTree([...args, '--url', 'http://127.0.0.1:9'], env);
  expect(other).toMatchObject({ status: 1, err: expect.stringContaining('say --url and --token') as string });
});
