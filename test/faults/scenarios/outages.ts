import { setTimeout as pause } from 'node:timers/promises';
import type { RunBody } from '../../support/api-client.ts';
import { atMost, dice, each, harassed, LIMIT_MS, numbers, SEEDED, sized } from '../../support/faults.ts';
import { insistent } from '../../support/insist.ts';
import { fiveStepsOutput } from '../../support/mixed-runs.ts';
import type { FleetStage } from './fleet-stage.ts';
import { startStoryOf } from './story.ts';

const A2_RUNS = sized({ short: 10, full: 500 });
const A3_RUNS = sized({ short: 10, full: 300 });
const A4_SECONDS = sized({ short: 12, full: 600 });

export function outageScenarios(on: FleetStage): void {
  /** Starts runs and follows them; every one that was accepted ends right. */
  async function allComplete(count: number): Promise<ReturnType<typeof insistent>> {
    const client = insistent(on.fleet);
    const ids = await each(numbers(count), 6, async (n) => {
      const { status, body } = await client.call<{ id: string }>('POST', '/runs', {
        workflow: 'five',
        input: { n },
      });
      expect(status).toBe(202);
      return body.id;
    });
    const ended = await each(ids, 6, async (id) => {
      for (;;) {
        const { body } = await client.call<RunBody>('GET', `/runs/${id}?wait=5`);
        const { ended_at, state, output, error } = body;
        if (ended_at !== null) return { state, output, error };
      }
    });
    for (const [n, end] of ended.entries())
      expect(end).toEqual({ state: 'completed', output: fiveStepsOutput(n), error: null });
    return client;
  }

  const ready = async () => (await fetch(`${on.fleet.url}/ready`).catch(() => undefined))?.status === 200;
  /** Milliseconds until /ready is as wanted. */
  async function untilReady(wanted: boolean): Promise<number> {
    const began = Date.now();
    while ((await ready()) !== wanted) await pause(20);
    return Date.now() - began;
  }

  test(
    `A2 PostgreSQL is away for up to 5 s again and again during ${A2_RUNS} runs: all are right, the API answers 2xx or 503 ${SEEDED}`,
    async () => {
      const random = dice('A2');
      const strikes = {
        random,
        every_ms: [sized({ short: 500, full: 5_000 }), sized({ short: 1_500, full: 20_000 })] as const,
        async strike() {
          await on.fleet.crash('postgres', random.below(sized({ short: 1_500, full: 5_000 })));
          // It counts from the server's return on.
          expect(await untilReady(true)).toBeLessThan(atMost(5_000));
        },
      };
      const client = await harassed(strikes, () => allComplete(A2_RUNS));
      expect(client.offences).toEqual([]);
      for (const status of client.statuses.keys()) expect([200, 202, 503]).toContain(status);
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    `A3 the Temporal server is killed during ${A3_RUNS} runs: every accepted start completes, and /ready says how it is`,
    async () => {
      const killing = (async () => {
        for (let kill = 0; kill < sized({ short: 1, full: 10 }); kill++) {
          await pause(1_000);
          const back = on.fleet.crash('temporal', 2_000);
          expect(await untilReady(false)).toBeLessThan(atMost(5_000));
          await back;
          expect(await untilReady(true)).toBeLessThan(atMost(10_000));
        }
      })();
      const [client] = await Promise.all([allComplete(A3_RUNS), killing]);
      expect(client.offences).toEqual([]);
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    `A4 worker, PostgreSQL and Temporal are killed at random for ${A4_SECONDS} s under blobs, tags, runs and commands: the model finds no difference ${SEEDED}`,
    async () => {
      const random = dice('A4');
      const strikes = {
        random,
        every_ms: [sized({ short: 500, full: 1_000 }), sized({ short: 2_000, full: 6_000 })] as const,
        strike: () =>
          on.fleet.crash(
            random.pick(['worker', 'agent', 'postgres', 'temporal'] as const),
            random.below(1_000),
          ),
      };
      const until_ms = Date.now() + A4_SECONDS * 1_000;
      const telling = numbers(4).map((n) =>
        startStoryOf(n, { fleet: on.fleet, random: dice(`A4 client ${n}`), until_ms }),
      );
      // What they began, they end in peace.
      const [, ...told] = await Promise.all([harassed(strikes, () => pause(A4_SECONDS * 1_000)), ...telling]);
      const differences = await Promise.all(told.map((story) => story.differences()));
      expect(differences.flat()).toEqual([]);
      await on.agree();
    },
    LIMIT_MS,
  );
}
