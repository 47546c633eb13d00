import { definition, transform, wait } from '../support/definitions.ts';
import { contradictions } from '../support/model-check.ts';
import { spawnStack, type SpawnedStack } from '../support/spawned-stack.ts';

const RUNS = 8;

let stack: SpawnedStack;

beforeAll(async () => {
  stack = await spawnStack();
  await stack.api().publish('mixed', mixed());
}, 120_000);
afterAll(() => stack.remove());

/** Light steps, programs and a wait: whatever is killed, something of it is under way. */
function mixed() {
  return definition('mixed', {
    first: transform('${{ input.n }}'),
    code: {
      type: 'code',
      needs: ['first'],
      config: { language: 'bash', source: 'sleep 0.3; echo $N', env: { N: '${{ steps.first.output }}' } },
    },
    pause: wait(1, { needs: ['code'] }),
    more: {
      type: 'code',
      needs: ['pause'],
      config: { language: 'bash', source: 'sleep 0.2; cat', stdin: '${{ steps.code.output.stdout }}' },
    },
    last: transform('${{ steps.more.output.result + 1 }}', { needs: ['more'] }),
  });
}

/** Starts runs, lets `harm` happen in their middle, and checks that each ended right and every store agrees. */
async function survives(harm: () => Promise<void>): Promise<void> {
  const ids: string[] = [];
  for (let n = 0; n < RUNS; n++) ids.push((await stack.api().start('mixed', { n })).id);
  await new Promise((resolve) => setTimeout(resolve, 700));
  await harm();
  for (const [n, id] of ids.entries()) {
    const run = await eventually(() => stack.api().until(id, (found) => found.ended_at !== null, 60));
    expect(run).toMatchObject({ state: 'completed', output: { last: n + 1 } });
    const steps = await stack.api().steps(id);
    expect(
      steps
        .filter((step) => step.state === 'succeeded')
        .map((step) => step.node)
        .sort(),
    ).toEqual(['code', 'first', 'last', 'more', 'pause']);
  }
  const { database_url, temporal_address } = stack.dev();
  expect(await contradictions(database_url, temporal_address)).toEqual([]);
}

/** While a server is away the API may say so; it must come back. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries > 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

test(
  'the code agent is killed: its programs run again elsewhere, each effect recorded once',
  () => survives(() => stack.kill('agent')),
  120_000,
);

test(
  'PostgreSQL is killed: nothing that was acknowledged is lost',
  () => survives(() => stack.kill('postgres')),
  120_000,
);

test('Temporal is killed: every run goes on', () => survives(() => stack.kill('temporal')), 120_000);

test(
  'API and workflow worker are killed: the next start goes on with everything',
  () =>
    survives(async () => {
      await stack.kill('main');
      await stack.restart();
    }),
  120_000,
);
