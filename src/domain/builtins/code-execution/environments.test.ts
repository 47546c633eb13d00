import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { environments } from './environments.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-environments-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const request = {
  language: 'python' as const,
  source: 'print(1)',
  args: ['a'],
  env: { A: 'b' },
  files: { 'dir/../odd name': Buffer.from([0, 255]), '/etc/passwd': Buffer.from('x') },
};

it('are read as they were written, whatever their files are called, and nothing lands outside', async () => {
  const kept = environments(path.join(root, 'kept'));
  expect(await kept.write('run-1', request)).toEqual({ files: 2, bytes: 'print(1)'.length + 3 });
  const files = Object.fromEntries(
    Object.entries(request.files).map(([name, bytes]) => [name, new Uint8Array(bytes)]),
  );
  expect(await kept.read('run-1')).toEqual({ ...request, files });
  expect(await readdir(root, { recursive: true })).toHaveLength(1 + 1 + 1 + 2);
});

it('are replaced as a whole', async () => {
  const kept = environments(root);
  await kept.write('run-1', request);
  await kept.write('run-1', { language: 'bash', source: 'true' });
  expect(await kept.read('run-1')).toEqual({ language: 'bash', source: 'true', files: {} });
});

it('that were not finished are not there, but are listed and removed', async () => {
  const kept = environments(root);
  await mkdir(path.join(root, 'run-2.new'));
  await writeFile(path.join(root, 'run-2.new', 'half'), 'x');
  expect(await kept.read('run-2')).toBeUndefined();
  expect(await kept.list()).toEqual(['run-2']);
  await kept.remove('run-2');
  expect(await readdir(root)).toEqual([]);
});

it('are removed once, and a run without one is no error', async () => {
  const kept = environments(root);
  await kept.write('run-1', request);
  expect([await kept.remove('run-1'), await kept.remove('run-1')]).toEqual([true, false]);
  expect(await environments(path.join(root, 'none')).list()).toEqual([]);
});
