import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Bed } from './bed.ts';
import { copyOut } from './copy-out.ts';
import { driveLoad } from './load.ts';
import type { Measure, Pace } from './measure.ts';
import { alternate, type Round } from './pairs.ts';
import { comparedRow, type Row } from './rows.ts';
import type { Figures } from './stats.ts';

const MIB = 1_024 * 1_024;
/** Transfers at once: enough to keep both cores busy. */
const CLIENTS = 4;
const OCTETS = { 'content-type': 'application/octet-stream' };

interface Blob {
  cas_id: string;
  bytes: Buffer;
}

/** How a side stores bytes and gives them back. */
interface Store {
  put(blob: Blob): Promise<void>;
  get(cas_id: string): Promise<Buffer>;
}

export const blobs: Measure = async (bed, pace) => {
  const pool = new pg.Pool({ connectionString: bed.reference_url, max: CLIENTS });
  try {
    await pool.query('CREATE TABLE IF NOT EXISTS blob (id text PRIMARY KEY, content bytea NOT NULL)');
    const sides = { ours: productStore(bed), reference: databaseStore(pool) };
    const found = [];
    for (const mib of pace.quick ? [1] : [1, 16]) found.push(await measureSize(pace, sides, mib));
    return {
      rows: found.flatMap(({ rows }) => rows),
      details: { rounds: found.map(({ details }) => details) },
    };
  } finally {
    await pool.end();
  }
};

async function measureSize(
  pace: Pace,
  { ours, reference }: Record<'ours' | 'reference', Store>,
  mib: number,
) {
  const count = (pace.quick ? 32 : 96) / Math.min(mib, 12);
  const stored: Record<'ours' | 'reference', Blob[]> = { ours: [], reference: [] };
  const put = (side: 'ours' | 'reference', store: Store) => () => {
    stored[side] = Array.from({ length: count }, () => newBlob(mib * MIB));
    return rate(mib, stored[side], (blob) => store.put(blob));
  };
  const get = (side: 'ours' | 'reference', store: Store) => () =>
    rate(mib, stored[side], async ({ cas_id, bytes }) => {
      if (!bytes.equals(await store.get(cas_id)))
        throw new Error(`The bytes of ${cas_id} came back changed.`);
    });
  const contest = {
    put: { ours: put('ours', ours), reference: put('reference', reference) },
    get: { ours: get('ours', ours), reference: get('reference', reference) },
  };
  const puts: Round<'ours' | 'reference'>[] = [];
  const gets: Round<'ours' | 'reference'>[] = [];
  // A first round warms both sides up; every later one reads what it has just written.
  for (let round = 0; round <= pace.rounds; round += 1) {
    const [put_round, get_round] = [await alternate(1, contest.put), await alternate(1, contest.get)];
    if (round > 0) puts.push(...put_round);
    if (round > 0) gets.push(...get_round);
  }
  const row = (what: string, rounds: Round<'ours' | 'reference'>[], against: string): Row =>
    comparedRow(rounds, {
      name: `Blob ${what}, ${mib} MiB, ${CLIENTS} clients`,
      unit: 'MB/s',
      figure: 'mb_per_second',
      against,
      target: { of: 'ratio', at_least: 0.7 },
    });
  return {
    rows: [
      row('put', puts, 'SHA-256 + INSERT over pg'),
      row('get', gets, 'COPY in binary over pg + SHA-256'),
    ],
    details: { mib, puts, gets },
  };
}

async function rate(
  mib: number,
  blobs: readonly Blob[],
  once: (blob: Blob) => Promise<void>,
): Promise<Figures> {
  const figures = await driveLoad({
    clients: CLIENTS,
    seconds: Infinity,
    turns: blobs.length,
    once: (turn) => once(blobs[turn]!),
  });
  return { ...figures, mb_per_second: ((figures.per_second ?? NaN) * mib * MIB) / 1e6 };
}

/** Random, so that neither compression nor deduplication helps; hashed before the clock starts. */
function newBlob(size: number): Blob {
  const bytes = randomBytes(size);
  return { bytes, cas_id: hashOf(bytes) };
}

const hashOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function productStore({ api }: Bed): Store {
  return {
    async put({ cas_id, bytes }) {
      const answer = await api.request({
        method: 'PUT',
        path: `/api/v1/blobs/${cas_id}`,
        headers: OCTETS,
        body: bytes,
      });
      if (answer.status !== 201)
        throw new Error(`PUT of a blob answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
    },
    async get(cas_id) {
      const answer = await api.request({ method: 'GET', path: `/api/v1/blobs/${cas_id}` });
      if (answer.status !== 200) throw new Error(`GET of a blob answered ${answer.status}`);
      return answer.body;
    },
  };
}

/** The least that does the same: hash, and one statement with the bytes in binary form. */
function databaseStore(pool: pg.Pool): Store {
  return {
    async put({ cas_id, bytes }) {
      if (hashOf(bytes) !== cas_id) throw new Error('A blob does not hash to its name.');
      await pool.query({
        name: 'put',
        text: 'INSERT INTO blob (id, content) VALUES ($1, $2)',
        values: [cas_id, bytes],
      });
    },
    async get(cas_id) {
      const client = await pool.connect();
      try {
        // COPY takes no parameters; the hash is of our own making.
        const bytes = await copyOut(client, `SELECT content FROM blob WHERE id = '${cas_id}'`);
        if (hashOf(bytes) !== cas_id) throw new Error('A blob does not hash to its name.');
        return bytes;
      } finally {
        client.release();
      }
    },
  };
}
