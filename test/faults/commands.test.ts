import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../src/contract/json.ts';
import { definition, transform, wait } from '../support/definitions.ts';
import { eventually } from '../support/eventually.ts';
import { dice, each, LIMIT_MS, numbers, SEEDED, sized } from '../support/faults.ts';
import { contradictions } from '../support/model-check.ts';
import { startProduct, type Product } from '../support/product.ts';
import { testTemporal } from '../support/stack.ts';

const AT_ONCE = 10;
const RACES = sized({ short: 40, full: 1_000 });

let product: Product;
beforeAll(async () => {
  product = await startProduct();
  await product.publish('stands', stands);
  await product.publish('quick', quick);
});
afterAll(() => product.stop());

const stands = definition(
  'stands',
  {
    asked: { type: 'approval', config: { prompt: 'Go on?' } },
    told: { type: 'wait', config: { event: 'told' } },
    w: wait(600),
  },
  { params: { rate: 1 }, params_schema: { type: 'object', properties: { rate: { type: 'number' } } } },
);
const quick = definition('quick', {
  a: transform(1),
  w: wait(0.1, { needs: ['a'] }),
  b: transform(2, { needs: ['w'] }),
});

interface Command {
  path: (id: string) => string;
  body?: JsonObject;
  /** The event that says it had its effect. */
  effect: string;
  /** Brings the run to where it may be given. */
  before?: (id: string) => Promise<unknown>;
}

const untilPaused = async (id: string) => {
  await product.call('POST', `/runs/${id}/pause`);
  await product.until(id, ({ state }) => state === 'paused');
};
const COMMANDS: Readonly<Record<string, Command>> = {
  pause: { path: (id) => `/runs/${id}/pause`, effect: 'run.paused' },
  resume: { path: (id) => `/runs/${id}/resume`, effect: 'run.resumed', before: untilPaused },
  cancel: { path: (id) => `/runs/${id}/cancel`, effect: 'run.cancelled' },
  terminate: { path: (id) => `/runs/${id}/terminate`, body: { reason: 'enough' }, effect: 'run.terminated' },
  tune: { path: (id) => `/runs/${id}/tune`, body: { params: { rate: 2 } }, effect: 'command.acknowledged' },
  event: { path: (id) => `/runs/${id}/events/told`, body: { n: 1 }, effect: 'step.succeeded' },
  decide: {
    path: (id) => `/runs/${id}/approvals/asked`,
    body: { decision: 'approve' },
    effect: 'step.succeeded',
  },
};

async function standing(): Promise<string> {
  const { id } = await product.start('stands');
  await eventually(
    async () =>
      (await product.steps(id)).filter(({ state }) => state === 'waiting').length === 3 || undefined,
  );
  return id;
}

const effectsOf = async (id: string, type: string) =>
  (await product.events(id)).filter((event) => event.type === type);

describe.each(Object.entries(COMMANDS))(
  'B4 %s, ten times at once',
  (type, { path, body, effect, before }) => {
    test('under one key it has one effect, and each caller the same answer', async () => {
      const id = await standing();
      await before?.(id);
      const headers = { 'idempotency-key': `${type}-${id}` };
      // Who comes while the first is under way is told to come again.
      const ask = async () => {
        for (;;) {
          const answer = await product.call('POST', path(id), body, headers);
          if (answer.status !== 409 || answer.body.code !== 'idempotency_in_flight') return answer;
          await pause(20);
        }
      };
      const answers = await Promise.all(numbers(AT_ONCE).map(ask));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
      expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
      const [found] = await eventually(async () => {
        const effects = await effectsOf(id, effect);
        return effects.length > 0 ? effects : undefined;
      });
      expect(found).toBeDefined();
      expect((await effectsOf(id, 'command.queued')).filter(({ data }) => data.type === type)).toHaveLength(
        1,
      );
      expect(
        (await effectsOf(id, effect)).filter(({ data }) => data.type === undefined || data.type === type),
      ).toHaveLength(1);
      await finish(id);
    });

    test('as ten commands it has the effect of one, and none is answered with an error of ours', async () => {
      const id = await standing();
      await before?.(id);
      const answers = await Promise.all(numbers(AT_ONCE).map(() => product.call('POST', path(id), body)));
      for (const { status } of answers) expect([202, 409]).toContain(status);
      expect(answers.filter(({ status }) => status === 202).length).toBeGreaterThan(0);
      await eventually(
        async () =>
          (await commandsOf(id)).every(({ state }) => !['queued', 'delivered'].includes(state)) || undefined,
      );
      const acknowledged = (await commandsOf(id)).filter(
        (one) => one.type === type && one.state === 'acknowledged',
      );
      // Each event and each tune is a fact of its own; of the others only the first finds something to do.
      if (type === 'event' || type === 'tune') expect(acknowledged).toHaveLength(AT_ONCE);
      else expect(acknowledged).toHaveLength(1);
      if (effect !== 'command.acknowledged') expect(await effectsOf(id, effect)).toHaveLength(1);
      await finish(id);
    });

    test('after the end it is 409', async () => {
      const { id } = await product.start('quick');
      await product.ended(id);
      const answers = await Promise.all(numbers(AT_ONCE).map(() => product.call('POST', path(id), body)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([409]));
    });
  },
);

const commandsOf = async (id: string) =>
  (await product.call<{ items: { type: string; state: string }[] }>('GET', `/runs/${id}/commands`)).body
    .items;

async function finish(id: string): Promise<void> {
  await product.call('POST', `/runs/${id}/terminate`, { reason: 'seen' });
  await product.ended(id);
}

const ENDS: Readonly<Record<string, string>> = {
  terminate: 'terminated',
  cancel: 'cancelled',
  pause: 'paused',
};

test(
  `B5 ${RACES} races of terminate, cancel and pause with the end: one final state, in rows, events and Temporal ${SEEDED}`,
  async () => {
    const random = dice('races');
    const seen = new Map<string, number>();
    await each(numbers(RACES), 4, async () => {
      const [after_ms, type] = [random.below(300), random.pick(Object.keys(ENDS))];
      const { id } = await product.start('quick');
      await pause(after_ms);
      const { status } = await product.call(
        'POST',
        `/runs/${id}/${type}`,
        type === 'pause' ? undefined : { reason: 'race' },
      );
      expect([202, 409]).toContain(status);
      const stood = await product.until(id, ({ state, ended_at }) => ended_at !== null || state === 'paused');
      if (stood.state === 'paused') await product.call('POST', `/runs/${id}/resume`);
      const { state } = await product.ended(id);
      expect(['completed', ENDS[type]]).toContain(state);
      seen.set(state, (seen.get(state) ?? 0) + 1);
    });
    // Otherwise nothing has raced.
    expect(seen.size).toBeGreaterThan(1);
    expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
  },
  LIMIT_MS,
);
