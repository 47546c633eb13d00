import { storeServices } from '../../domain/store.ts';
import { newId } from '../../ids.ts';
import { openDatabase } from '../../persistence/db.ts';
import type { Bed } from './bed.ts';
import { lightDefinition, wideDefinition } from './definitions.ts';
import { driveLoad } from './load.ts';
import { headAgainstRow } from './head-contest.ts';
import type { Measure, Pace } from './measure.ts';
import { comparedRow, plainRow, type Row } from './rows.ts';
import { publish } from './runs.ts';

const CHAIN = 1_000;
const NODES = 500;
const DEFAULT_PROJECT = '00000000-0000-7000-8000-000000000001';

interface Head {
  artifact_id: string;
  version_hash: string;
  depth: number;
}

/** What versioning costs at its limits: a chain of a thousand patches, and definitions of five hundred nodes. */
export const versions: Measure = async (bed, pace) => {
  const chain = await longChain(bed, pace);
  const wide = await wideDefinitions(bed, pace);
  return { rows: [...chain.rows, ...wide.rows], details: { chain: chain.details, wide: wide.details } };
};

async function longChain(bed: Bed, pace: Pace) {
  const tag = 'bench-long-chain';
  const { api } = bed;
  const length = pace.quick ? CHAIN / 10 : CHAIN;
  await publish(api, tag, lightDefinition(tag));
  const patch_ms: number[] = [];
  for (let depth = 1; depth <= length; depth += 1) {
    const from = performance.now();
    const operations = [{ op: 'replace', path: '/nodes/a/config/value', value: depth }];
    await api.json([201], 'POST', '/api/v1/patches', { tag, operations });
    patch_ms.push(performance.now() - from);
  }
  const path = `/api/v1/workflows/${tag}?materialize=true`;
  const head = await api.json<Head>([200], 'GET', path);
  if (head.depth !== length) throw new Error(`The chain has ${head.depth} patches, not ${length}`);
  const rounds = await headAgainstRow(bed, pace, { path, head });
  const against = 'Express + pg, one select of the same size';
  const name = `Head of ${length} patches, cached`;
  const target = { of: 'ratio', at_most: 2 } as const;
  return {
    rows: [
      comparedRow(rounds, { name: `${name}, p50`, unit: 'ms', figure: 'p50_ms', against, target }),
      comparedRow(rounds, { name: `${name}, p95`, unit: 'ms', figure: 'p95_ms', against }),
      plainRow(
        { name: `Head of ${length} patches, replayed`, unit: 'ms', note: 'no cache and no snapshot' },
        await replays(bed, pace, head),
      ),
      plainRow({ name: 'Patch apply, the first 50 of the chain', unit: 'ms' }, patch_ms.slice(0, 50)),
      plainRow({ name: 'Patch apply, the last 50 of the chain', unit: 'ms' }, patch_ms.slice(-50)),
    ],
    details: { rounds, patch_ms },
  };
}

/** Milliseconds to compute the head from its base and every patch, by the product's own code on its database. */
async function replays(bed: Bed, pace: Pace, head: Head): Promise<number[]> {
  const { db, pool, close } = openDatabase({ url: bed.services.database_url, max_connections: 2 });
  try {
    const times: number[] = [];
    for (let round = 0; round <= pace.rounds; round += 1) {
      await pool.query(
        'DELETE FROM materialisation WHERE plan_hash = (SELECT plan_hash FROM artifact WHERE id = $1)',
        [head.artifact_id],
      );
      const { definitions } = storeServices({ db, ids: newId, limits: { cache_bytes: 0 } });
      const from = performance.now();
      await definitions.read(DEFAULT_PROJECT, head);
      // The first one warms the code up.
      if (round > 0) times.push(performance.now() - from);
    }
    return times;
  } finally {
    await close();
  }
}

async function wideDefinitions({ api }: Bed, pace: Pace): Promise<{ rows: Row[]; details: unknown }> {
  const nodes = pace.quick ? NODES / 10 : NODES;
  const [base, ours, theirs] = ['base', 'ours', 'theirs'].map((name) => `bench-wide/${name}`) as [
    string,
    string,
    string,
  ];
  await publish(api, base, wideDefinition('bench-wide', nodes));
  const edited = (from: number) => wideDefinition('bench-wide', nodes, { from, to: from + nodes / 10 });
  for (const [tag, from] of [
    [ours, 0],
    [theirs, nodes / 2],
  ] as const) {
    await api.json([200, 201], 'PUT', `/api/v1/tags/${encodeURIComponent(tag)}`, { target: base });
    await publish(api, tag, edited(from));
  }
  const query = `from=${encodeURIComponent(ours)}&to=${encodeURIComponent(theirs)}`;
  const load = { clients: 1, seconds: Infinity, turns: pace.quick ? 5 : 20 };
  const diff = await driveLoad({
    ...load,
    once: async () => {
      const { nodes } = await api.json<{ nodes: { changed: unknown[] } }>(
        [200],
        'GET',
        `/api/v1/diff?${query}`,
      );
      if (nodes.changed.length === 0) throw new Error('The diff is empty');
    },
  });
  const merge = await driveLoad({
    ...load,
    once: async () => {
      const { merged } = await api.json<{ merged: string }>([200, 201], 'POST', '/api/v1/merge', {
        ours,
        theirs,
      });
      if (merged !== 'merged') throw new Error(`The merge was ${merged}`);
    },
  });
  const note = `two definitions of ${nodes} nodes, a tenth of them changed on each side`;
  return {
    rows: [
      plainRow({ name: 'Semantic diff over HTTP, p50', unit: 'ms', note }, [diff.p50_ms ?? NaN]),
      plainRow({ name: 'Three-way merge over HTTP, p50', unit: 'ms', note }, [merge.p50_ms ?? NaN]),
    ],
    details: { diff, merge },
  };
}
