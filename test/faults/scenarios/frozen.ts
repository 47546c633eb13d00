import { setTimeout as pause } from 'node:timers/promises';
import { definition, transform } from '../../support/definitions.ts';
import { dice, each, LIMIT_MS, numbers, SEEDED, sized } from '../../support/faults.ts';
import type { FleetStage } from './fleet-stage.ts';

const ROUNDS = sized({ short: 1, full: 20 });
const RUNS = 40;
/** Temporal gives a worker 10 s for a task, and then has it done again. */
const FROZEN_MS = 12_000;

export function frozenScenarios(on: FleetStage): void {
  test(
    `A12 a worker stands still for longer than its tasks have, and goes on with them: nothing is told twice ${SEEDED}`,
    async () => {
      const random = dice('A12');
      // Large values, so that every step is a local activity that may be under way.
      await on.fleet.publish(
        'large',
        definition('large', {
          twice: transform('${{ input.list + input.list }}'),
          again: transform('${{ steps.twice.output + input.list }}', { needs: ['twice'] }),
        }),
      );
      const other = on.fleet.another('worker');
      await other.start();
      const ids: string[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const starting = each(numbers(RUNS), 10, async () => {
          const list = Array.from({ length: 9_000 }, () => random.below(10_000));
          ids.push((await on.fleet.start('large', { list })).id);
        });
        await pause(300 + random.below(700));
        const frozen = random.pick([on.fleet.processes.worker, other]).pid();
        process.kill(frozen, 'SIGSTOP');
        await pause(FROZEN_MS);
        process.kill(frozen, 'SIGCONT');
        await starting;
      }
      const ended = await each(ids, 6, (id) =>
        on.fleet.until(id, ({ ended_at }) => ended_at !== null, LIMIT_MS / 1_000),
      );
      expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(['completed']));
      await on.agree();
      await other.stop();
    },
    LIMIT_MS,
  );
}
