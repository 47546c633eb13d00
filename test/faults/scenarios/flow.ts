import pg from 'pg';
import { mostAtOnce } from '../e2e/flow/support.ts';
import { definition, transform, wait } from '../support/definitions.ts';
import { contradictions } from '../support/model-check.ts';
import { spawnStack, type SpawnedStack } from '../support/spawned-stack.ts';

const RUNS = 12;
const LIMIT = 2;

let stack: SpawnedStack;

beforeAll(async () => {
  stack = await spawnStack();
}, 120_000);
afterAll(() => stack.remove());

const limited = definition(
  'limited',
  {
    a: transform('${{ input.n }}'),
    w: wait(0.3, { needs: ['a'] }),
    b: transform('${{ steps.a.output }}', { needs: ['w'] }),
  },
  { concurrency: { limit: LIMIT }, output: '${{ steps.b.output }}' },
);

test('API and worker are killed again and again while runs wait for each other: all complete, and never too many at once', async () => {
  await stack.api().publish('limited', limited);
  const starts = Array.from({ length: RUNS }, (_, n) => stack.api().start('limited', { n }));
  const ids = (await Promise.all(starts)).map(({ id }) => id);
  for (const survived_ms of [600, 900, 1_200]) {
    await new Promise((resolve) => setTimeout(resolve, survived_ms));
    await stack.kill('main');
    await stack.restart();
  }
  for (const [n, id] of ids.entries())
    expect(await stack.api().ended(id, 60)).toMatchObject({ state: 'completed', output: n });
  const { database_url, temporal_address } = stack.dev();
  const pool = new pg.Pool({ connectionString: database_url, max: 1 });
  expect(await mostAtOnce(pool, 'limited')).toBe(LIMIT);
  await pool.end();
  expect(await contradictions(database_url, temporal_address)).toEqual([]);
}, 240_000);
