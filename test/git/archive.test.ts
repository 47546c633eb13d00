import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { openRepository } from '../../src/clients/git/open-repository.ts';
import type { RepositoryLimits } from '../../src/contract/source-repository.ts';
import { LIMITS, repositoryAt, scratch, workspacesIn } from './scratch.ts';

const root = scratch();
const work_root = path.join(root, 'work');
beforeAll(() => void mkdirSync(work_root));
afterEach(() => expect(workspacesIn(work_root)).toEqual([]));

type Entry = Partial<Header> & { name: string; content?: string | Buffer };

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function open(bytes: Buffer, limits: Partial<RepositoryLimits> = {}) {
  const chunks = Array.from({ length: Math.ceil(bytes.length / 997) }, (_, i) =>
    bytes.subarray(i * 997, (i + 1) * 997),
  );
  const archive = Readable.from(chunks.length > 0 ? chunks : [Buffer.alloc(0)]);
  const allow = { local_roots: [], hosts: [] };
  return openRepository({ repository: { archive }, limits: { ...LIMITS, ...limits }, allow }, { work_root });
}

const FILES: Entry[] = [
  { name: './', type: 'directory' },
  { name: './src/', type: 'directory' },
  { name: './src/a "b"\\c.ts', content: 'const a = 1;\n' },
  { name: 'src/new\nline', content: 'x' },
  { name: 'run.sh', mode: 0o755, content: '#!/bin/sh\n' },
  { name: 'src/link', type: 'symlink', linkname: '../run.sh' },
  { name: 'empty', content: '' },
  { name: 'big', content: 'y'.repeat(300_000) },
  { name: '.git/config', content: '[core]\n\tfsmonitor = touch pwned\n' },
];

test.each([
  ['plain', (bytes: Buffer) => bytes],
  ['gzip', (bytes: Buffer) => gzipSync(bytes)],
])('a %s tar is a tree, without its .git', async (_form, form) => {
  const repository = await open(form(await tar(FILES)));
  expect(repository.tree.map(({ path, mode, size_bytes }) => [path, mode, size_bytes])).toEqual([
    ['big', 'file', 300_000],
    ['empty', 'file', 0],
    ['run.sh', 'executable', 10],
    ['src/a "b"\\c.ts', 'file', 13],
    ['src/link', 'symlink', 9],
    ['src/new\nline', 'file', 1],
  ]);
  expect(await repository.readFile('src/a "b"\\c.ts')).toMatchObject({ text: 'const a = 1;\n' });
  expect(await repository.readFile('big')).toMatchObject({ text: 'y'.repeat(300_000) });
  await repository.close();
});

test('the same files are the same commit, whatever their order and dates, and content has the name git gives it', async () => {
  const files: Entry[] = [
    { name: 'a', content: '1' },
    { name: 'b', content: '2' },
  ];
  const [one, two] = [
    await open(await tar(files)),
    await open(await tar([...files].reverse().map((file) => ({ ...file, mtime: new Date(0) })))),
  ];
  const { commit, git } = repositoryAt(path.join(root, 'same'));
  commit({ a: '1', b: '2' });
  expect(one.commit).toBe(two.commit);
  expect(one.tree.map(({ blob }) => blob)).toEqual([git('rev-parse', 'HEAD:a'), git('rev-parse', 'HEAD:b')]);
  await Promise.all([one.close(), two.close()]);
});

const file = (name: string): Entry => ({ name, content: 'x' });

test.each<[string, Entry[]]>([
  ['an absolute path', [file('/etc/cron.d/x')]],
  ['a path that leads out', [file('../x')]],
  ['a path that leads out further in', [file('a/../../x')]],
  ['an absolute link', [{ name: 'l', type: 'symlink', linkname: '/etc/passwd' }]],
  ['a link that leads out', [{ name: 'a/l', type: 'symlink', linkname: '../../x' }]],
  ['a hard link', [file('a'), { name: 'b', type: 'link', linkname: 'a' }]],
  ['a device', [{ name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }]],
  ['a pipe', [{ name: 'p', type: 'fifo' }]],
  ['a path twice', [file('a'), file('./a')]],
  ['a file that is also a folder', [file('a'), file('a/b')]],
  ['a file below a link', [{ name: 'l', type: 'symlink', linkname: 'a' }, file('l/x')]],
])('an archive with %s is refused', async (_what, entries) => {
  await expect(open(await tar([file('good'), ...entries]))).rejects.toMatchObject({
    code: 'archive_invalid',
  });
});

test('an archive that is cut off, or none at all, is refused', async () => {
  const whole = await tar(FILES);
  const zipped = gzipSync(whole);
  for (const bytes of [
    whole.subarray(0, 2_000),
    zipped.subarray(0, zipped.length - 20),
    Buffer.from('hello world, this is no archive'.repeat(50)),
    Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(2_000, 7)]),
  ]) {
    await expect(open(bytes)).rejects.toMatchObject({ code: 'archive_invalid' });
  }
});

test('an archive larger than allowed is refused while it is unpacked', async () => {
  const bomb = gzipSync(await tar([{ name: 'zeros', content: Buffer.alloc(4_000_000) }]));
  expect(bomb.length).toBeLessThan(20_000);
  await expect(open(bomb, { total_bytes: 1_000_000 })).rejects.toMatchObject({
    message: expect.stringMatching(/larger than allowed|too large/) as string,
  });
});

test('more files than allowed are refused', async () => {
  const bytes = await tar(Array.from({ length: 20 }, (_, i) => file(`f${i}`)));
  await expect(open(bytes, { files: 10 })).rejects.toMatchObject({ code: 'limit_exceeded' });
});
