import type { Json } from '../../contract/json.ts';
import { healthSweeper } from '../../domain/health.ts';
import { openDatabase } from '../../persistence/db.ts';
import { CLIENTS, type Bed } from './bed.ts';
import { freshDatabase } from './fresh-database.ts';
import { driveLoad } from './load.ts';
import type { Measure } from './measure.ts';
import { plainRow } from './rows.ts';
import { publish } from './runs.ts';
import { countedStream, wantedEvent } from './sse-client.ts';
import { quantile } from './stats.ts';

const STREAMS = 100;
const ITEMS = 500;
const COMMANDS = 200;
const EXTERNAL_RUNS = 1_000;
const OPEN_RUNS = 100_000;
const STALE_RUNS = 10;

const definition = (name: string, nodes: Record<string, Json>): Json => ({ schema_version: 1, name, nodes });
const awaited = { type: 'wait', config: { event: 'go' } };

async function started({ api }: Bed, workflow: string, more: Record<string, Json> = {}): Promise<string> {
  return (await api.json<{ id: string }>([202], 'POST', '/api/v1/runs', { workflow, ...more })).id;
}

/** From the request that tunes a run until its stream says that the workflow has acknowledged it. */
export const commands: Measure = async (bed, pace) => {
  const tag = 'bench-commands';
  await publish(bed.api, tag, definition(tag, { go: awaited }));
  const id = await started(bed, tag);
  const stream = wantedEvent(bed.product, id, 'command.acknowledged');
  const latencies: number[] = [];
  const count = pace.quick ? COMMANDS / 10 : COMMANDS;
  for (let n = 0; n < count; n++) {
    const from = performance.now();
    const acknowledged = stream.next(`t${n}`);
    await bed.api.json([202], 'POST', `/api/v1/runs/${id}/tune`, { id: `t${n}`, params: { n } });
    await acknowledged;
    latencies.push(performance.now() - from);
  }
  await bed.api.json([202], 'POST', `/api/v1/runs/${id}/terminate`, { reason: 'measured' });
  await stream.closed;
  const note = `${count} one after the other, seen on the run's stream`;
  return {
    rows: [
      plainRow({ name: 'Command to acknowledged, p50', unit: 'ms', note }, [quantile(latencies, 0.5)]),
      plainRow({ name: 'Command to acknowledged, p95', unit: 'ms', note }, [quantile(latencies, 0.95)]),
    ],
    details: { latencies },
  };
};

/** A run of a thousand light events with a hundred clients on its stream, from its start until the last one has read all. */
export const streams: Measure = async (bed, pace) => {
  const tag = 'bench-streams';
  const items = Array.from({ length: pace.quick ? ITEMS / 10 : ITEMS }, (_, n) => n);
  const each = {
    type: 'map',
    needs: ['go'],
    config: { items, node: { type: 'transform', config: { value: '${{ item }}' } } },
  };
  await publish(bed.api, tag, definition(tag, { go: awaited, each }));
  const id = await started(bed, tag);
  const clients = Array.from({ length: STREAMS }, () => countedStream(bed.product, id));
  await Promise.all(clients.map((client) => client.first));
  const from = performance.now();
  await bed.api.json([202], 'POST', `/api/v1/runs/${id}/events/go`, null);
  const counts = await Promise.all(clients.map((client) => client.closed));
  const seconds = (performance.now() - from) / 1_000;
  if (new Set(counts).size !== 1)
    throw new Error(`The clients read ${[...new Set(counts)].join(', ')} events`);
  const events = counts.reduce((sum, count) => sum + count, 0);
  return {
    rows: [
      plainRow(
        {
          name: `Events to ${STREAMS} clients`,
          unit: '1/s',
          note: `${counts[0] ?? 0} events each; client and server share the cores`,
        },
        [events / seconds],
      ),
    ],
    details: { events, seconds },
  };
};

/** One heartbeat of each of many external runs. */
export const heartbeats: Measure = async (bed, pace) => {
  const tag = 'bench-external';
  await publish(bed.api, tag, definition(tag, { go: awaited }));
  const count = pace.quick ? EXTERNAL_RUNS / 10 : EXTERNAL_RUNS;
  const ids: string[] = [];
  const open = async () => void ids.push(await started(bed, tag, { executor: 'external' }));
  await driveLoad({ clients: CLIENTS, seconds: Infinity, turns: count, once: open });
  const beat = async (turn: number) => {
    const run_id = ids[turn] ?? '';
    const body = { run_id, status: 'running', step: 1, samples_per_sec: 1, loss: 0.5, checkpoint_version: 0 };
    await bed.api.json([200, 202, 204], 'POST', `/api/v1/runs/${run_id}/heartbeat`, body);
  };
  const load = await driveLoad({ clients: CLIENTS, seconds: Infinity, turns: count, once: beat });
  const note = `${count} external runs, ${CLIENTS} clients; each may send one in 5 s`;
  return {
    rows: [plainRow({ name: 'Heartbeats', unit: '1/s', note }, [load.per_second ?? NaN])],
    details: { load },
  };
};

/** What it costs to find the silent ones among many runs that are heard of. */
export const health: Measure = async (bed, pace) => {
  const count = pace.quick ? OPEN_RUNS / 10 : OPEN_RUNS;
  const { db, pool, close } = openDatabase({ url: await freshDatabase(bed, 'health'), max_connections: 2 });
  try {
    await pool.query(SEED_RUNS, [count, STALE_RUNS]);
    await pool.query('ANALYZE');
    const sweeper = healthSweeper({
      db,
      limits: { unresponsive_after_seconds: 135 },
    });
    const times: number[] = [];
    const reports = [];
    for (let n = 0; n < 5; n++) {
      const from = performance.now();
      reports.push(await sweeper.sweep());
      times.push(performance.now() - from);
    }
    if (reports[0]?.heartbeat_stale !== STALE_RUNS)
      throw new Error(`The sweep found ${JSON.stringify(reports[0])}`);
    const note = `${count} external runs`;
    return {
      rows: [
        plainRow({ name: `Health sweep, ${STALE_RUNS} silent`, unit: 'ms', note }, times.slice(0, 1)),
        plainRow({ name: 'Health sweep, none silent', unit: 'ms', note }, times.slice(1)),
      ],
      details: { times, reports },
    };
  } finally {
    await close();
  }
};

const SEED_RUNS = `
  WITH run AS (
    INSERT INTO run (id, project_id, type, executor, state, input, params, created_by, last_event_seq, workflow)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'external', 'external', 'running', '{}', '{}', 'bench', 0, 'w'
    FROM generate_series(1, $1::integer) RETURNING id
  ), numbered AS (SELECT id, row_number() OVER () AS n FROM run)
  INSERT INTO run_heartbeat (run_id, at, due_at, status, step, checkpoint_version, samples_per_sec)
  SELECT id, clock_timestamp(), clock_timestamp() + CASE WHEN n <= $2 THEN interval '-1 s' ELSE interval '1 h' END,
    'running', 1, 0, 1 FROM numbered`;
