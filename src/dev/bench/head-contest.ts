import type { Bed } from './bed.ts';
import { driveLoad } from './load.ts';
import type { Pace } from './measure.ts';
import { insertRow, readOne } from './measure-store.ts';
import { alternate } from './pairs.ts';

interface HeadRead {
  path: string;
  head: { version_hash: string };
}

/** One client that reads a tag's materialised head, against one that reads a row of the same size. */
export async function headAgainstRow({ api, web }: Bed, pace: Pace, { path, head }: HeadRead) {
  const key = await insertRow(web, head);
  const load = { clients: 1, seconds: 2 * pace.scale };
  const contest = {
    ours: () => driveLoad({ ...load, once: () => readOne(api, path, ['version_hash', head.version_hash]) }),
    reference: () => driveLoad({ ...load, once: () => readOne(web, `/rows/${key}`, ['key', key]) }),
  };
  await alternate(1, contest);
  return alternate(pace.rounds, contest);
}
