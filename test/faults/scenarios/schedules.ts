import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { definition, transform, wait } from '../../support/definitions.ts';
import { dice, LIMIT_MS, SEEDED, sized } from '../../support/faults.ts';
import type { StackStage } from './stack-stage.ts';

const KILLS = sized({ short: 2, full: 20 });

export function scheduleScenarios(on: StackStage): void {
  async function rows<T extends pg.QueryResultRow>(sql: string): Promise<T[]> {
    const client = new pg.Client({ connectionString: on.stack.dev().database_url });
    await client.connect();
    try {
      return (await client.query<T>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const counted = async (sql: string) =>
    (await rows<{ count: number }>(`SELECT count(*)::integer AS count ${sql}`))[0]!.count;

  test(
    `API and worker are killed while a schedule fires every second: each firing is one run, and each ends ${SEEDED}`,
    async () => {
      const random = dice('schedules');
      const nodes = { a: transform(1), w: wait(0.4, { needs: ['a'] }), b: transform(2, { needs: ['w'] }) };
      const schedules = [{ cron: '@every 1s', overlap: 'allow_all' }];
      await on.stack.api().publish('ticking', definition('ticking', nodes, { schedules }));
      for (let n = 0; n < KILLS; n++) {
        while ((await counted('FROM run WHERE schedule_id IS NOT NULL AND ended_at IS NULL')) === 0)
          await pause(20);
        // Not always at the same moment of a firing.
        await pause(random.below(1_000));
        await on.stack.kill('main');
        await on.stack.restart();
      }
      await on.stack.api().call('DELETE', '/workflows/ticking');
      while ((await counted('FROM schedule')) > 0) await pause(100);
      while ((await counted('FROM run WHERE ended_at IS NULL')) > 0) await pause(100);
      const runs = await rows<{ state: string; scheduled_at: Date }>(
        'SELECT state, scheduled_at FROM run WHERE schedule_id IS NOT NULL',
      );
      expect(runs.length).toBeGreaterThan(KILLS);
      expect(new Set(runs.map(({ state }) => state))).toEqual(new Set(['completed']));
      expect(new Set(runs.map(({ scheduled_at }) => scheduled_at.getTime())).size).toBe(runs.length);
      await on.agree();
    },
    LIMIT_MS,
  );
}
