import pg from 'pg';
import { definition, transform, wait } from '../support/definitions.ts';
import { contradictions } from '../support/model-check.ts';
import { randomFrom } from '../support/random.ts';
import { spawnStack, type SpawnedStack } from '../support/spawned-stack.ts';

const KILLS = 2;
const SEED = Number(process.env.SCHEDULES_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(SEED);

let stack: SpawnedStack;

beforeAll(async () => {
  stack = await spawnStack();
}, 120_000);
afterAll(() => stack.remove());

async function rows<T extends pg.QueryResultRow>(sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: stack.dev().database_url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const counted = async (sql: string) =>
  (await rows<{ count: number }>(`SELECT count(*)::integer AS count ${sql}`))[0]!.count;

test(`API and worker are killed while a schedule fires every second: each firing is one run, and each ends (SCHEDULES_SEED=${SEED})`, async () => {
  const nodes = { a: transform(1), w: wait(0.4, { needs: ['a'] }), b: transform(2, { needs: ['w'] }) };
  const schedules = [{ cron: '@every 1s', overlap: 'allow_all' }];
  await stack.api().publish('ticking', definition('ticking', nodes, { schedules }));
  for (let n = 0; n < KILLS; n++) {
    while ((await counted('FROM run WHERE schedule_id IS NOT NULL AND ended_at IS NULL')) === 0)
      await pause(20);
    // Not always at the same moment of a firing.
    await pause(random.below(1_000));
    await stack.kill('main');
    await stack.restart();
  }
  await stack.api().call('DELETE', '/workflows/ticking');
  while ((await counted('FROM schedule')) > 0) await pause(100);
  while ((await counted('FROM run WHERE ended_at IS NULL')) > 0) await pause(100);
  const runs = await rows<{ state: string; scheduled_at: Date }>('SELECT state, scheduled_at FROM run');
  expect(runs.length).toBeGreaterThan(KILLS);
  expect(new Set(runs.map(({ state }) => state))).toEqual(new Set(['completed']));
  expect(new Set(runs.map(({ scheduled_at }) => scheduled_at.getTime())).size).toBe(runs.length);
  const { database_url, temporal_address } = stack.dev();
  expect(await contradictions(database_url, temporal_address)).toEqual([]);
}, 180_000);
