import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { storeServices } from '../../domain/store.ts';
import { newId } from '../../ids.ts';
import { openDatabase } from '../../persistence/db.ts';
import type { Bed } from './bed.ts';
import { freshDatabase } from './fresh-database.ts';
import type { Measure } from './measure.ts';
import { residentMb } from './proc.ts';
import { plainRow } from './rows.ts';

const BLOBS = 100_000;
const MIB = 1_024 * 1_024;
const STREAMED_MIB = 64;

/** Garbage collection over many blobs, half of them uploads that nothing leads to, on a database of its own. */
export const gc: Measure = async (bed, pace) => {
  const count = pace.quick ? BLOBS / 10 : BLOBS;
  const url = await freshDatabase(bed, 'upkeep');
  const { db, pool, close } = openDatabase({ url, max_connections: 4 });
  try {
    await pool.query(SEED, [count]);
    await pool.query('ANALYZE');
    const { gc: collector } = storeServices({ db, ids: newId });
    const marking = await timed(() => collector.mark());
    const collecting = await timed(() => collector.collect({ grace_seconds: 0 }));
    if (collecting.result.blobs !== count / 2)
      throw new Error(`${collecting.result.blobs} blobs were collected, not ${count / 2}`);
    const note = `${count} blobs of 1 KiB, half of them reachable`;
    return {
      rows: [
        plainRow({ name: 'GC, finding what is unreachable', unit: 's', note }, [marking.seconds]),
        plainRow({ name: 'GC, collecting it', unit: 's', note }, [collecting.seconds]),
      ],
      details: { marking, collecting },
    };
  } finally {
    await close();
  }
};

/** Blobs by a tag's definition that names them as files, a thousand to a workflow, and as many that nothing names. */
const SEED = `
  WITH content AS (
    SELECT n, convert_to(rpad(n::text, 1024, '.'), 'UTF8') AS bytes FROM generate_series(1, $1::integer) n
  ), blob AS (
    INSERT INTO cas_blob (cas_id, size_bytes, content)
    SELECT 'sha256:' || encode(sha256(bytes), 'hex'), 1024, bytes FROM content RETURNING cas_id
  ), numbered AS (
    SELECT cas_id, row_number() OVER (ORDER BY cas_id) AS n FROM blob
  ), granted AS (
    INSERT INTO blob_grant (project_id, cas_id, media_type)
    SELECT '00000000-0000-7000-8000-000000000001', cas_id, 'text/plain' FROM numbered
  ), definition AS (
    SELECT n % 50 AS workflow, convert_to(json_build_object('schema_version', 1, 'name', 'w' || n % 50, 'files',
      json_object_agg('f' || n, cas_id))::text, 'UTF8') AS bytes
    FROM numbered WHERE n <= $1::integer / 2 GROUP BY n % 50
  ), document AS (
    INSERT INTO cas_blob (cas_id, size_bytes, content)
    SELECT 'sha256:' || encode(sha256(bytes), 'hex'), octet_length(bytes), bytes FROM definition
  ), named AS (
    INSERT INTO workflow (id, project_id, name, created_by)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'w' || workflow, 'bench' FROM definition
  ), version AS (
    INSERT INTO artifact (id, project_id, kind, cas_id, version_hash, created_by, message)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'dag_version',
      'sha256:' || encode(sha256(bytes), 'hex'), 'sha256:' || encode(sha256(bytes), 'hex'), 'bench', 'w' || workflow
    FROM definition RETURNING id, message
  )
  INSERT INTO tag (project_id, name, target_kind, target_id, version, cursor_seq, moved_by)
  SELECT '00000000-0000-7000-8000-000000000001', message, 'dag_version', id, 1, 1, 'bench' FROM version`;

/** What one blob of 64 MiB takes in the process that receives and sends it. */
export const streaming: Measure = async (bed) => {
  const bytes = randomBytes(STREAMED_MIB * MIB);
  const headers = { 'content-type': 'application/octet-stream' };
  const put = () => bed.api.request({ method: 'PUT', path: '/api/v1/blobs', headers, body: bytes });
  const { cas_id } = JSON.parse((await put()).body.toString()) as { cas_id: string };
  const get = () => bed.api.request({ method: 'GET', path: `/api/v1/blobs/${cas_id}` });
  await get();
  const other = randomBytes(STREAMED_MIB * MIB);
  const up_mb = await growthMb(bed, () =>
    bed.api.request({ method: 'PUT', path: '/api/v1/blobs', headers, body: other }),
  );
  const down_mb = await growthMb(bed, get);
  const note = 'highest resident memory of the process meanwhile, less what it had before';
  return {
    rows: [
      plainRow({ name: `Memory while ${STREAMED_MIB} MiB come in`, unit: 'MB', note }, [up_mb]),
      plainRow({ name: `Memory while ${STREAMED_MIB} MiB go out`, unit: 'MB', note }, [down_mb]),
    ],
    details: { up_mb, down_mb },
  };
};

const SAMPLE_MS = 10;

async function growthMb({ product }: Bed, work: () => Promise<{ status: number }>): Promise<number> {
  const before = residentMb(product.pid);
  let highest = before;
  let going = true;
  const watching = (async () => {
    for (; going; await pause(SAMPLE_MS)) highest = Math.max(highest, residentMb(product.pid));
  })();
  const { status } = await work();
  going = false;
  await watching;
  if (status >= 300) throw new Error(`A blob of ${STREAMED_MIB} MiB was answered with ${status}`);
  return highest - before;
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const from = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - from) / 1_000 };
}
