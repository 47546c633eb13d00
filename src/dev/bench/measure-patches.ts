import type { Bed } from './bed.ts';
import { lightDefinition } from './definitions.ts';
import { driveLoad } from './load.ts';
import type { Measure } from './measure.ts';
import { insertRow, readOne } from './measure-store.ts';
import { publish } from './measure-runs.ts';
import { alternate } from './pairs.ts';
import { comparedRow } from './rows.ts';

const CHAIN = 100;
const TAG = 'bench-chain';

interface Head {
  depth: number;
  version_hash: string;
  definition: { nodes: { a: { config: { value: number } } } };
}

/** A hundred patches one after the other, then reads of the head they lead to. */
export const patches: Measure = async (bed, pace) => {
  const { web, api } = bed;
  const definition = lightDefinition(TAG);
  await publish(api, TAG, definition);
  const apply = patcher(bed);
  const share = { clients: 1, seconds: Infinity, turns: Math.floor(CHAIN / pace.rounds) };
  const insert = async () => void (await insertRow(web, definition));
  // Not a patch, which would lengthen the chain: a save warms the same path up.
  await driveLoad({ clients: 1, seconds: pace.warm_seconds, once: insert });
  const applied = await alternate(pace.rounds, {
    ours: () => driveLoad({ ...share, once: apply }),
    reference: () => driveLoad({ ...share, once: insert }),
  });
  for (let left = CHAIN - share.turns * pace.rounds; left > 0; left -= 1) await apply();
  const head_path = `/api/v1/workflows/${TAG}?materialize=true`;
  const head = await api.json<Head>([200], 'GET', head_path);
  if (head.depth !== CHAIN || head.definition.nodes.a.config.value !== CHAIN)
    throw new Error(`The head is wrong: ${JSON.stringify(head)}`);
  const key = await insertRow(web, head);
  const load = { clients: 1, seconds: 2 * pace.scale };
  const contest = {
    ours: () =>
      driveLoad({ ...load, once: () => readOne(api, head_path, ['version_hash', head.version_hash]) }),
    reference: () => driveLoad({ ...load, once: () => readOne(web, `/rows/${key}`, ['key', key]) }),
  };
  await alternate(1, contest);
  const read = await alternate(pace.rounds, contest);
  const insert_text = 'Express + pg, one insert of the document';
  return {
    rows: [
      comparedRow(applied, {
        name: `Patch apply, chain 1–${CHAIN}, p50`,
        unit: 'ms',
        figure: 'p50_ms',
        against: insert_text,
      }),
      comparedRow(applied, {
        name: `Patch apply, chain 1–${CHAIN}, p95`,
        unit: 'ms',
        figure: 'p95_ms',
        against: insert_text,
      }),
      comparedRow(read, {
        name: `Materialised head of ${CHAIN} patches, p50`,
        unit: 'ms',
        figure: 'p50_ms',
        against: 'Express + pg, one select of the same size',
        target: { of: 'ratio', at_most: 2 },
      }),
    ],
    details: { applied, read },
  };
};

/** Each patch sets one value to its own number. */
function patcher({ api }: Bed): () => Promise<void> {
  let depth = 0;
  return async () => {
    depth += 1;
    const operations = [{ op: 'replace', path: '/nodes/a/config/value', value: depth }];
    const patch = await api.json<{ depth: number }>([201], 'POST', '/api/v1/patches', {
      tag: TAG,
      operations,
    });
    if (patch.depth !== depth) throw new Error(`Patch ${depth} has depth ${patch.depth}`);
  };
}
