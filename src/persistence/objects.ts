import { OBJECT_KEY, ObjectMissing, type ObjectStore, SLICE_BYTES } from '../contract/object-store.ts';
import { copyIn, copyOut, int32 } from './copy.ts';
import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** Chunks read by one statement; twice as many are in memory at most. */
const CHUNKS_AT_ONCE = 4;
const KEYS_AT_ONCE = 1_000;

const PUT = 'COPY object_chunk (object_key, seq, bytes) FROM STDIN (FORMAT binary)';
const DELETE = statement<never>('object_delete', 'DELETE FROM object_chunk WHERE object_key = $1');
const LIST = statement<{ object_key: string }>(
  'object_list',
  `SELECT object_key FROM object_chunk WHERE seq = 0 AND object_key > $1 ORDER BY object_key LIMIT ${KEYS_AT_ONCE}`,
);

/** Objects in PostgreSQL, a slice to a row. A slow reader holds no connection: each statement reads a few chunks. */
export function postgresObjects(db: Db): ObjectStore {
  return {
    prefix: 'pg:',
    put: (key, size_bytes, slices) => copyIn(db, PUT, chunkRows(key, size_bytes, slices)),
    async *read(key, { start, end }) {
      const first = Math.floor(start / SLICE_BYTES);
      const last = Math.ceil(end / SLICE_BYTES);
      const fetch = (seq: number) => {
        const chunks = readChunks(db, key, seq, Math.min(seq + CHUNKS_AT_ONCE, last));
        // It fails unheard when the reader has left meanwhile.
        chunks.catch(() => undefined);
        return chunks;
      };
      let ahead = fetch(first);
      for (let seq = first; seq < last; seq += CHUNKS_AT_ONCE) {
        const chunks = await ahead;
        if (seq + CHUNKS_AT_ONCE < last) ahead = fetch(seq + CHUNKS_AT_ONCE);
        for (const [i, bytes] of chunks.entries()) {
          const at = (seq + i) * SLICE_BYTES;
          yield bytes.subarray(Math.max(0, start - at), end - at);
        }
      }
    },
    async delete(key) {
      await run(db, DELETE, [key]);
    },
    async *list() {
      let rows: { object_key: string }[];
      let after = '';
      do {
        rows = await run(db, LIST, [after]);
        for (const row of rows) yield row.object_key;
        after = rows.at(-1)?.object_key ?? '';
      } while (rows.length === KEYS_AT_ONCE);
    },
  };
}

async function* chunkRows(
  key: string,
  size_bytes: number,
  slices: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer[]> {
  let seq = 0;
  for await (const bytes of slices) {
    const rest = size_bytes - seq * SLICE_BYTES;
    if (bytes.length !== Math.min(SLICE_BYTES, rest)) throw new TypeError('not the slices of this object');
    yield [Buffer.from(key), int32(seq), bytes];
    seq += 1;
  }
  if (seq !== Math.ceil(size_bytes / SLICE_BYTES)) throw new TypeError('not all slices of this object');
}

/** The chunks `from` to `to`, the last not included. */
async function readChunks(db: Db, key: string, from: number, to: number): Promise<Buffer[]> {
  // COPY takes no parameters, so nothing but a key may get into its text.
  if (!OBJECT_KEY.test(key)) throw new TypeError('not an object key');
  const chunks: Buffer[] = [];
  const text = `COPY (SELECT bytes FROM object_chunk WHERE object_key = '${key}' AND seq >= ${from} AND seq < ${to}
    ORDER BY seq) TO STDOUT (FORMAT binary)`;
  await copyOut(db, text, ([bytes]) => chunks.push(Buffer.from(bytes!)));
  if (chunks.length !== to - from) throw new ObjectMissing(key);
  return chunks;
}
