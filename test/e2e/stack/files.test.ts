import { mkdir, mkdtemp, readlink, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { lockProblems } from '../../../src/dev/check-lock.ts';
import { lockDataDir } from '../../../src/dev/data-dir-lock.ts';
import { readDevFile, writeDevFile } from '../../../src/dev/dev-file.ts';
import { devEnvironment } from '../../../src/dev/environment.ts';
import { hydrate } from '../../../src/dev/postgres-binaries.ts';

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-files-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

test('dev.json is readable by its owner alone, also when it is written again', async () => {
  const content = {
    api_url: 'http://127.0.0.1:8080',
    token: 't',
    admin_email: 'a',
    admin_password: 'p',
    temporal_address: '127.0.0.1:7233',
    temporal_ui_url: 'http://127.0.0.1:8233',
    database_url: 'postgresql://x',
    metrics_url: 'http://127.0.0.1:9090/metrics',
  };
  expect(await readDevFile(directory)).toBeUndefined();
  await writeDevFile(directory, content);
  await writeDevFile(directory, { ...content, token: 'u' });
  expect((await stat(path.join(directory, 'dev.json'))).mode & 0o777).toBe(0o600);
  expect((await readDevFile(directory))?.token).toBe('u');
});

test('of many that find the lock of a dead process, one gets it', async () => {
  const dead = { pid: 2 ** 22 + 1, started: 'long ago' };
  await writeFile(path.join(directory, 'stack.lock.7'), JSON.stringify(dead));
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataDir(directory)));
  const winners = tries.filter((one) => one.status === 'fulfilled');
  expect(winners).toHaveLength(1);
  await winners[0]?.value.release();
  await (await lockDataDir(directory)).release();
});

test('an unreadable lock is taken over, a live one is not', async () => {
  await writeFile(path.join(directory, 'stack.lock.1'), 'half a li');
  await lockDataDir(directory);
  await expect(lockDataDir(directory)).rejects.toThrow('ORCHESTRATOR_DATA_DIR');
});

test('library links are made by many processes at once without harm', async () => {
  const native = path.join(directory, 'a-copy-by-another-name');
  await mkdir(path.join(native, 'lib'), { recursive: true });
  const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
    source: 'native/lib/libpq.so.5.18',
    target: `native/lib/${name}`,
  }));
  await writeFile(path.join(native, 'pg-symlinks.json'), JSON.stringify(links));
  await Promise.all(Array.from({ length: 10 }, () => hydrate(native)));
  expect(await readlink(path.join(native, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
});

test('a lock file without other platforms or with addresses is reported', async () => {
  const file = path.join(directory, 'package-lock.json');
  const entry = { version: '1.0.0', resolved: 'https://example.test/a.tgz', os: ['linux'] };
  await writeFile(file, JSON.stringify({ packages: { 'node_modules/a': entry } }));
  const problems = await lockProblems(file);
  expect(problems.join('\n')).toMatch(/darwin[^]*win32[^]*1 resolved address/);
});

test('a malformed port setting is an error that names it', () => {
  expect(() => devEnvironment({ ORCHESTRATOR_POSTGRES_PORT: '80a' })).toThrow('ORCHESTRATOR_POSTGRES_PORT');
});
