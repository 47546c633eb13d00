import pg from 'pg';
import { mostAtOnce } from '../../e2e/flow/support.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import type { StackStage } from './stack-stage.ts';

const RUNS = 12;
const LIMIT = 2;

const limited = definition(
  'limited',
  {
    a: transform('${{ input.n }}'),
    w: wait(0.3, { needs: ['a'] }),
    b: transform('${{ steps.a.output }}', { needs: ['w'] }),
  },
  { concurrency: { limit: LIMIT }, output: '${{ steps.b.output }}' },
);

export function flowScenarios(on: StackStage): void {
  test('API and worker are killed again and again while runs wait for each other: all complete, and never too many at once', async () => {
    await on.stack.api().publish('limited', limited);
    const starts = Array.from({ length: RUNS }, (_, n) => on.stack.api().start('limited', { n }));
    const ids = (await Promise.all(starts)).map(({ id }) => id);
    for (const survived_ms of [600, 900, 1_200]) {
      await new Promise((resolve) => setTimeout(resolve, survived_ms));
      await on.stack.kill('main');
      await on.stack.restart();
    }
    for (const [n, id] of ids.entries())
      expect(await on.stack.api().ended(id, 60)).toMatchObject({ state: 'completed', output: n });
    const pool = new pg.Pool({ connectionString: on.stack.dev().database_url, max: 1 });
    expect(await mostAtOnce(pool, 'limited')).toBe(LIMIT);
    await pool.end();
    await on.agree();
  }, 240_000);
}
