import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { pack, type Header } from 'tar-stream';
import { pathRefusal } from './artifact-path.ts';
import { readArtifacts, type Artifacts } from './artifacts.ts';

type Member = Partial<Header> & { name: string; content?: string };

async function archive(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  const bytes = buffer(tar);
  for (const { content = '', ...header } of members) tar.entry(header, content);
  tar.finalize();
  return bytes;
}

const limits = { max_bytes: 1_000, max_entries: 10 };
const read = (bytes: Buffer, max = limits): Promise<Artifacts> => readArtifacts(Readable.from([bytes]), max);
const paths = ({ accepted }: Artifacts): string[] => accepted.map((artifact) => artifact.path);

it('takes the files below out, in directories', async () => {
  const found = await read(
    await archive([
      { name: 'out', type: 'directory' },
      { name: 'out/a.txt', content: 'A' },
      { name: 'out/d', type: 'directory' },
      { name: 'out/d/b.txt', content: 'BB' },
      { name: './out/c.txt', content: '' },
    ]),
  );
  expect(found).toMatchObject({ refusals: [], overflow: false });
  expect(found.accepted.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()])).toEqual([
    ['a.txt', 'A'],
    ['d/b.txt', 'BB'],
    ['c.txt', ''],
  ]);
});

it.each<[string, Member]>([
  ['a symbolic link', { name: 'out/x', type: 'symlink', linkname: '/etc/passwd' }],
  ['a hard link', { name: 'out/x', type: 'link', linkname: 'out/a' }],
  ['a block device', { name: 'out/x', type: 'block-device' }],
  ['a character device', { name: 'out/x', type: 'character-device' }],
  ['a pipe', { name: 'out/x', type: 'fifo' }],
  ['a path upwards', { name: 'out/../x', content: 'x' }],
  ['a path upwards in the middle', { name: 'out/a/../../x', content: 'x' }],
  ['an absolute path', { name: '/etc/cron.d/x', content: 'x' }],
  ['a path beside out', { name: 'outside', content: 'x' }],
  ['a path with a line break', { name: 'out/a\nb', content: 'x' }],
  ['a path with a backslash', { name: 'out/a\\b', content: 'x' }],
  ['a path with an empty part', { name: 'out//x', content: 'x' }],
])('leaves out %s, and takes what comes after', async (_name, member) => {
  const found = await read(await archive([member, { name: 'out/good', content: 'g' }]));
  expect(paths(found)).toEqual(['good']);
  expect(found.refusals).toHaveLength(1);
});

it('takes a path once, and no file as a directory', async () => {
  const twice = await read(
    await archive([
      { name: 'out/a', content: '1' },
      { name: 'out/a', content: '2' },
      { name: 'out/a/b', content: '3' },
    ]),
  );
  expect(twice.accepted.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['1']);
  const under = await read(
    await archive([
      { name: 'out/a/b', content: '1' },
      { name: 'out/a', content: '2' },
    ]),
  );
  expect(paths(under)).toEqual(['a/b']);
});

it('stops at too many bytes and at too many entries', async () => {
  const large = await read(
    await archive([
      { name: 'out/a', content: 'x'.repeat(600) },
      { name: 'out/b', content: 'x'.repeat(600) },
    ]),
  );
  expect(large).toMatchObject({ overflow: true });
  expect(paths(large)).toEqual(['a']);
  const many = await read(
    await archive(Array.from({ length: 30 }, (_, index) => ({ name: `out/${index}`, content: '' }))),
  );
  expect(many.overflow).toBe(true);
  expect(many.accepted.length).toBeLessThanOrEqual(11);
});

it('stops reading a stream that does not end', async () => {
  let sent = 0;
  const endless = new Readable({
    read() {
      sent += 65_536;
      this.push(Buffer.alloc(65_536, sent > 1e8 ? 0 : 1));
      if (sent > 1e8) this.push(null);
    },
  });
  const found = await readArtifacts(endless, limits);
  expect(found.accepted).toEqual([]);
});

it('never throws, hangs or takes a bad path, whatever comes', async () => {
  const member = fc.record({
    name: fc.oneof(fc.string(), fc.constantFrom('out/a', 'out/../b', '/c', 'out/d/e', 'out', '../out/f')),
    type: fc.constantFrom(
      'file',
      'directory',
      'symlink',
      'link',
      'fifo',
      'character-device',
      'contiguous-file',
    ),
    content: fc.string(),
  });
  const damage = fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { maxLength: 6 }),
      damage,
      fc.nat(12_000),
      async (members, bytes, cut) => {
        const good = members
          .filter(({ name }) => name !== '' && !name.includes('\0'))
          .map((one) => (one.type === 'file' ? one : { ...one, content: '' }));
        const tar = await archive(good);
        for (const [at, value] of bytes) if (at < tar.length) tar[at] = value;
        const found = await read(tar.subarray(0, Math.max(tar.length - cut, 0)));
        const total = found.accepted.reduce((sum, { bytes: content }) => sum + content.length, 0);
        expect(total).toBeLessThanOrEqual(limits.max_bytes);
        expect(found.accepted.length).toBeLessThanOrEqual(limits.max_entries + 1);
        for (const path of paths(found)) expect(pathRefusal(path)).toBeNull();
      },
    ),
    { numRuns: 200 },
  );
});

it('never hangs on random bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (bytes) => {
      expect((await read(Buffer.from(bytes))).accepted).toEqual([]);
    }),
  );
});
