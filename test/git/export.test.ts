import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { openRepository } from '../../src/clients/git/open-repository.ts';
import type { RepositoryLimits } from '../../src/contract/source-repository.ts';
import { LIMITS, repositoryAt, scratch } from './scratch.ts';

const root = scratch();
const source = repositoryAt(path.join(root, 'source'));

const open = (ref: string, limits: Partial<RepositoryLimits> = {}) =>
  openRepository({
    repository: source.directory,
    ref,
    limits: { ...LIMITS, ...limits },
    allow: { local_roots: [root], hosts: [] },
  });

async function exported(ref: string, name: string) {
  const repository = await open(ref);
  const directory = path.join(root, name);
  const report = await repository.exportTo(directory);
  await repository.close();
  return { report, directory };
}

test('a tree is written with modes, and with links that stay inside', async () => {
  source.write('run.sh', '#!/bin/sh\n');
  chmodSync(path.join(source.directory, 'run.sh'), 0o755);
  mkdirSync(path.join(source.directory, 'links'));
  symlinkSync('../a/b.txt', path.join(source.directory, 'links/in'));
  symlinkSync('/etc/passwd', path.join(source.directory, 'links/absolute'));
  symlinkSync('../../x', path.join(source.directory, 'links/out'));
  symlinkSync('in/../../..', path.join(source.directory, 'links/around'));
  const ref = source.commit({
    'a/b.txt': 'b\n',
    '.gitattributes': '* export-ignore\n*.txt export-subst\n',
    'k.txt': '$Format:%H$',
  });
  const { report, directory } = await exported(ref, 'one');
  expect(readFileSync(path.join(directory, 'k.txt'), 'utf8')).toBe('$Format:%H$');
  expect(lstatSync(path.join(directory, 'run.sh')).mode & 0o777).toBe(0o755);
  expect(lstatSync(path.join(directory, 'a/b.txt')).mode & 0o111).toBe(0);
  expect(readlinkSync(path.join(directory, 'links/in'))).toBe('../a/b.txt');
  expect(report).toMatchObject({ files: 5 });
  expect(report.skipped.map((entry) => entry.path).sort()).toEqual([
    'links/absolute',
    'links/around',
    'links/out',
  ]);
});

test('a forged tree cannot write through its own link', async () => {
  const outside = path.join(root, 'outside');
  mkdirSync(outside);
  const blob = source.object('blob', Buffer.from('pwned'));
  const target = source.object('blob', Buffer.from(outside));
  const entry = (mode: string, name: string, id: string) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
  const folder = source.object('tree', entry('100644', 'x', blob));
  // One name twice: once a link that leads out, once the folder that is written to.
  const tree = source.object(
    'tree',
    Buffer.concat([entry('120000', 'd', target), entry('40000', 'd', folder)]),
  );
  const commit = source.object(
    'commit',
    Buffer.from(`tree ${tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n`),
  );
  source.git('update-ref', 'refs/heads/forged', commit);
  await exported('forged', 'forged-out').catch(() => undefined);
  expect(existsSync(path.join(outside, 'x'))).toBe(false);
});

test('a file that is too large stops it, and nothing is left', async () => {
  const ref = source.commit({ 'large.txt': 'x'.repeat(5_000) });
  for (const limits of [{ file_bytes: 1_000 }, { total_bytes: 200_000, file_bytes: 4_999 }]) {
    const repository = await open(ref, limits);
    const directory = path.join(root, 'too-large');
    await expect(repository.exportTo(directory)).rejects.toMatchObject({ code: 'limit_exceeded' });
    await repository.close();
    expect(existsSync(directory)).toBe(false);
  }
});

test('a directory that is there is not touched', async () => {
  const repository = await open('HEAD');
  await expect(repository.exportTo(root)).rejects.toMatchObject({ code: 'EEXIST' });
  await repository.close();
  expect(existsSync(source.directory)).toBe(true);
});
