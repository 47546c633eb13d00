import { definition, transform, wait } from '../../support/definitions.ts';
import type { StackStage } from './stack-stage.ts';

const RUNS = 8;

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

export function killScenarios(on: StackStage): void {
  beforeAll(async () => void (await on.stack.api().publish('mixed', mixed())));

  /** Starts runs, lets `harm` happen in their middle, and checks that each ended right and every store agrees. */
  async function survives(harm: () => Promise<void>): Promise<void> {
    const ids: string[] = [];
    for (let n = 0; n < RUNS; n++) ids.push((await on.stack.api().start('mixed', { n })).id);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await harm();
    for (const [n, id] of ids.entries()) {
      const run = await eventually(() => on.stack.api().until(id, (found) => found.ended_at !== null, 60));
      expect(run).toMatchObject({ state: 'completed', output: { last: n + 1 } });
      const steps = await on.stack.api().steps(id);
      expect(
        steps
          .filter((step) => step.state === 'succeeded')
          .map((step) => step.node)
          .sort(),
      ).toEqual(['code', 'first', 'last', 'more', 'pause']);
    }
    await on.agree();
  }

  test(
    'the code agent is killed: its programs run again elsewhere, each effect recorded once',
    () => survives(() => on.stack.kill('agent')),
    120_000,
  );

  test(
    'PostgreSQL is killed: nothing that was acknowledged is lost',
    () => survives(() => on.stack.kill('postgres')),
    120_000,
  );

  test('Temporal is killed: every run goes on', () => survives(() => on.stack.kill('temporal')), 120_000);

  test(
    'API and workflow worker are killed: the next start goes on with everything',
    () =>
      survives(async () => {
        await on.stack.kill('main');
        await on.stack.restart();
      }),
    120_000,
  );
}
