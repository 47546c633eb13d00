import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SLICE_BYTES } from '../../contract/object-store.ts';
import { spoolDirectory } from './spool.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-spool-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('gives back what was written, in slices, as often as it is asked', async () => {
  const spool = await spoolDirectory(directory).open();
  const parts = [randomBytes(SLICE_BYTES), randomBytes(10), randomBytes(SLICE_BYTES + 1)];
  for (const part of parts) await spool.write(part);
  for (let i = 0; i < 2; i += 1) {
    const slices: Buffer[] = [];
    for await (const slice of spool.slices()) slices.push(Buffer.from(slice));
    expect(Buffer.concat(slices).equals(Buffer.concat(parts))).toBe(true);
    expect(slices.map((slice) => slice.length)).toEqual([SLICE_BYTES, SLICE_BYTES, 11]);
  }
  await spool.close();
});

it('keeps uploads apart, and none of them under a name', async () => {
  const spools = spoolDirectory(path.join(directory, 'made', 'when', 'needed'));
  const open = await Promise.all([spools.open(), spools.open()]);
  await Promise.all(open.map((spool, i) => spool.write(Buffer.from(`upload ${i}`))));
  expect(await readdir(path.join(directory, 'made', 'when', 'needed'))).toEqual([]);
  const read = open.map(async (spool) => String((await spool.slices().next()).value));
  expect(await Promise.all(read)).toEqual(['upload 0', 'upload 1']);
  await Promise.all(open.map((spool) => spool.close()));
});

it('removes what a process left that died at once, and nothing else', async () => {
  const [stale, fresh, other] = ['orchestrator-upload-a', 'orchestrator-upload-b', 'other'];
  for (const name of [stale, fresh, other]) await writeFile(path.join(directory, name), '');
  for (const name of [stale, other]) await utimes(path.join(directory, name), 1, 1);
  await (await spoolDirectory(directory).open()).close();
  expect((await readdir(directory)).sort()).toEqual([fresh, other]);
});

it('says that the store is away when the disk is, and goes on when it is back', async () => {
  const place = path.join(directory, 'place');
  await writeFile(place, 'no directory');
  const spools = spoolDirectory(place);
  await expect(spools.open()).rejects.toMatchObject({ code: 'object_store_unavailable' });
  await rm(place);
  await (await spools.open()).close();
});
