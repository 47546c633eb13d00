import type { Bed } from './bed.ts';
import { lightDefinition } from './definitions.ts';
import { driveLoad } from './load.ts';
import { headAgainstRow } from './head-contest.ts';
import type { Measure, Pace } from './measure.ts';
import { insertRow } from './measure-store.ts';
import { publish } from './runs.ts';
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
  const applied = await applyChain(bed, pace);
  const read = await readHead(bed, pace);
  const insert = 'Express + pg, one insert of the document';
  const name = `Patch apply, chain 1–${CHAIN}`;
  return {
    rows: [
      comparedRow(applied, { name: `${name}, p50`, unit: 'ms', figure: 'p50_ms', against: insert }),
      comparedRow(applied, { name: `${name}, p95`, unit: 'ms', figure: 'p95_ms', against: insert }),
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

async function applyChain(bed: Bed, pace: Pace) {
  const one = { clients: 1, seconds: Infinity };
  const insert = async () => void (await insertRow(bed.web, lightDefinition(TAG)));
  const contest = (apply: () => Promise<void>, turns: number) => ({
    ours: () => driveLoad({ ...one, turns, once: apply }),
    reference: () => driveLoad({ ...one, turns, once: insert }),
  });
  const turns = Math.floor(CHAIN / pace.rounds);
  // Another chain, because a patch to warm up with would lengthen this one.
  await alternate(1, contest(await patcher(bed, `${TAG}-warm`), turns));
  const apply = await patcher(bed, TAG);
  const rounds = await alternate(pace.rounds, contest(apply, turns));
  for (let left = CHAIN - turns * pace.rounds; left > 0; left -= 1) await apply();
  return rounds;
}

async function readHead(bed: Bed, pace: Pace) {
  const { api } = bed;
  const path = `/api/v1/workflows/${TAG}?materialize=true`;
  const head = await api.json<Head>([200], 'GET', path);
  if (head.depth !== CHAIN || head.definition.nodes.a.config.value !== CHAIN) {
    throw new Error(`The head is wrong: ${JSON.stringify(head)}`);
  }
  return headAgainstRow(bed, pace, { path, head });
}

/** Saves a definition under the tag; each call then sets one of its values to the number of the patch. */
async function patcher({ api }: Bed, tag: string): Promise<() => Promise<void>> {
  await publish(api, tag, lightDefinition(tag));
  let depth = 0;
  return async () => {
    depth += 1;
    const operations = [{ op: 'replace', path: '/nodes/a/config/value', value: depth }];
    const patch = await api.json<{ depth: number }>([201], 'POST', '/api/v1/patches', { tag, operations });
    if (patch.depth !== depth) throw new Error(`Patch ${depth} has depth ${patch.depth}`);
  };
}
