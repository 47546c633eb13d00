import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { openRepository, type OpenDeps, type OpenRequest } from '../../src/clients/git/open-repository.ts';
import { eventually } from '../support/eventually.ts';
import { gitServer } from './git-server.ts';
import { LIMITS, repositoryAt, scratch, workspacesIn } from './scratch.ts';

const HOST = 'git.example';
const root = scratch();
const work_root = path.join(root, 'work');
const ca_file = path.join(root, 'ca.pem');
const source = repositoryAt(path.join(root, 'served/one'));
const server = gitServer(HOST, path.join(root, 'served'));
let base: string;
let head: string;

beforeAll(() => {
  mkdirSync(work_root);
  writeFileSync(ca_file, server.cert);
  base = source.commit({ 'a.txt': 'one\n', 'large.bin': randomBytes(LIMITS.file_bytes + 1) });
  head = source.commit({ 'a.txt': 'two\n' });
  source.git('update-ref', 'refs/pull/7/head', head);
});

const address = (name = 'one') => `https://${HOST}:${server.port}/${name}`;

function open(repository = address(), more: Partial<OpenRequest> = {}, deps: OpenDeps = {}) {
  return openRepository(
    { repository, limits: LIMITS, allow: { local_roots: [], hosts: [HOST] }, ...more },
    { work_root, ca_file, resolve: () => Promise.resolve(['127.0.0.1']), ...deps },
  );
}

afterEach(() => expect(workspacesIn(work_root)).toEqual([]));

test('one commit is fetched over https, without the content of large files and without asking for it later', async () => {
  const repository = await open();
  expect(repository.commit).toBe(head);
  expect(repository.tree.map(({ path, size_bytes }) => [path, size_bytes])).toEqual([
    ['a.txt', 4],
    ['large.bin', null],
  ]);
  const asked = server.seen.length;
  expect(await repository.readFile('a.txt')).toMatchObject({ text: 'two\n' });
  expect(await repository.readFile('large.bin')).toEqual({ kind: 'too_large', size_bytes: null });
  await expect(repository.changesBetween(base, head)).rejects.toMatchObject({ code: 'ref_not_found' });
  expect(server.seen.length).toBe(asked);
  await repository.close();
});

test('a pull request is compared with its base', async () => {
  const repository = await open(address(), { ref: 'refs/pull/7/head', more_refs: [base], depth: null });
  expect(repository.more_commits).toEqual([base]);
  const { files } = await repository.changesBetween(base, head);
  expect(files).toMatchObject([{ path: 'a.txt', status: 'modified', added_lines: [1] }]);
  await repository.close();
});

test('a token is sent to the host and kept out of the arguments of processes and of the errors', async () => {
  server.instead = (_request, response) => {
    const commands = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(commandLine);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(commands.join('\n'));
    expect(commands.some((line) => line.includes(`${server.port}/one`))).toBe(true);
    leaked ||= commands.some((line) => line.includes('secret-token') || line.includes(basic));
  };
  const basic = Buffer.from('x-access-token:secret-token').toString('base64');
  let leaked = false;
  const failed = await open(address(), { token: 'secret-token' }).then(
    () => new Error('opened'),
    (error: Error) => error,
  );
  expect(failed).toMatchObject({ code: 'repository_unreachable' });
  expect(`${String(failed)} ${String(failed.cause)}`).not.toContain('secret-token');
  expect(server.seen[0]!.authorization).toBe(`Basic ${basic}`);
  expect(leaked).toBe(false);
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test.each([
  ['nothing there', () => address('nothing'), 'repository_unreachable'],
  ['a ref that is not there', () => address(), 'ref_not_found'],
])('%s', async (_what, url, code) => {
  await expect(open(url(), { ref: code === 'ref_not_found' ? 'nothing' : 'HEAD' })).rejects.toMatchObject({
    code,
  });
});

test('a certificate that nobody vouches for is not trusted', async () => {
  await expect(open(address(), {}, { ca_file: undefined })).rejects.toMatchObject({
    code: 'repository_unreachable',
  });
  expect(server.seen).toEqual([]);
});

test.each([
  'http://git.example/one',
  'git://git.example/one',
  'ssh://git.example/one',
  'file:///etc',
  'ext::sh -c touch% pwned://x',
  'https://name:password@git.example/one',
  'https://git.example/one?x=y',
  'https://git.example/one#x',
  'https://',
])('%s is refused before anything is asked', async (url) => {
  await expect(open(url)).rejects.toMatchObject({ code: 'repository_refused' });
});

test.each([
  [
    'a name that stands for an internal address',
    () => address(),
    { hosts: [] as string[], addresses: ['127.0.0.1'] },
  ],
  [
    'a name with one internal address among others',
    () => address(),
    { hosts: [], addresses: ['1.1.1.1', '10.0.0.1'] },
  ],
  [
    'an excused name at the metadata service',
    () => address(),
    { hosts: [HOST], addresses: ['169.254.169.254'] },
  ],
  ['an internal literal', () => `https://127.0.0.1:${server.port}/one`, { hosts: [], addresses: [] }],
  [
    'an internal literal in disguise',
    () => `https://0x7f.1:${server.port}/one`,
    { hosts: [], addresses: [] },
  ],
  ['an IPv6 literal', () => `https://[::1]:${server.port}/one`, { hosts: [], addresses: [] }],
])('%s is refused', async (_what, url, { hosts, addresses }) => {
  const allow = { local_roots: [], hosts };
  const opening = open(url(), { allow }, { resolve: () => Promise.resolve(addresses) });
  await expect(opening).rejects.toMatchObject({ code: 'egress_refused' });
  expect(server.seen).toEqual([]);
});

test('git goes to the address that was judged, and asks no other DNS', async () => {
  // The name exists nowhere else: without the address that was handed over, git could not find it.
  const repository = await open();
  await repository.close();
  await expect(open(address(), {}, { resolve: () => Promise.resolve([]) })).rejects.toMatchObject({
    code: 'repository_unreachable',
  });
});

test('a redirect is not followed', async () => {
  let reached = 0;
  const inner = http.createServer((_request, response) => (reached++, response.end()));
  await new Promise<void>((done) => inner.listen(0, '127.0.0.1', done));
  const location = `http://127.0.0.1:${(inner.address() as AddressInfo).port}/one/info/refs?service=git-upload-pack`;
  server.instead = (_request, response) => response.writeHead(302, { location }).end();
  await expect(open()).rejects.toMatchObject({ code: 'repository_unreachable' });
  expect(reached).toBe(0);
  await new Promise((done) => inner.close(done));
});

test('a repository that grows past the limit while it is fetched is given up', async () => {
  const large = repositoryAt(path.join(root, 'served/large'));
  large.commit(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`f${i}`, randomBytes(500_000)])));
  const limits = { ...LIMITS, total_bytes: 1_000_000 };
  await expect(open(address('large'), { limits })).rejects.toMatchObject({ code: 'limit_exceeded' });
});

const gitsAt = (port: number) =>
  execFileSync('ps', ['-eo', 'args'])
    .toString()
    .split('\n')
    .filter((line) => line.includes(`git.example:${port}`));

test.each(['abort', 'timeout'])('a server that never answers is left at %s, with no process', async (how) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  let asked = false;
  server.instead = () => (asked = true);
  const opening = open(address(), {
    signal: controller.signal,
    limits: { ...LIMITS, time_ms: how === 'timeout' ? 1_500 : LIMITS.time_ms },
  });
  opening.catch(() => undefined);
  await eventually(() => asked || undefined);
  expect(gitsAt(server.port).length).toBeGreaterThan(0);
  if (how === 'abort') controller.abort(reason);
  await expect(opening).rejects.toEqual(
    how === 'abort' ? reason : expect.objectContaining({ code: 'timeout' }),
  );
  await eventually(() => gitsAt(server.port).length === 0 || undefined);
});
