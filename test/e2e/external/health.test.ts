import { Client, Connection } from '@temporalio/client';
import { healthSweeper } from '../../../src/domain/health.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { experiment, externalApi } from './external-api.ts';

let product: Product;
let api: ReturnType<typeof externalApi>;

beforeAll(async () => {
  product = await startProduct({ env: { ORCHESTRATOR_EXTERNAL_RUNS_HEALTH_INTERVAL_SECONDS: '1' } });
  api = externalApi(product);
  await product.publish('trainer', experiment('trainer'));
});
afterAll(async () => {
  const connection = await Connection.connect({ address: testTemporal() });
  const id = `orchestrator-health:${product.config.temporal.task_queue}`;
  // It would outlive the test on the server that all tests share.
  await new Client({ connection }).schedule.getHandle(id).delete();
  await connection.close();
  await stopSoundly(product);
});

const told = async (id: string) =>
  (await product.events(id))
    .filter(({ type }) => /health|recommended/.test(type))
    .map(({ type, data }) => [type, data.from ?? data.reason, data.to].filter(Boolean).join(' '));

test('silence makes a run stale, then unresponsive with a recommendation; a heartbeat restores it', async () => {
  const id = await api.open('trainer');
  await api.beat(id);
  await api.age(id, 45);
  await product.until(id, (run) => run.health === 'heartbeat_stale');
  await api.age(id, 90);
  await product.until(id, (run) => run.health === 'unresponsive');
  // Never by itself: it is said, and that is all.
  expect((await product.run(id)).state).toBe('running');
  expect(await api.commands(id)).toEqual([]);
  expect((await api.beat(id)).status).toBe(200);
  expect((await product.run(id)).health).toBe('healthy');
  await api.age(id, 500);
  await product.until(id, (run) => run.health === 'unresponsive');
  expect(await told(id)).toEqual([
    'run.health_changed healthy heartbeat_stale',
    'run.health_changed heartbeat_stale unresponsive',
    'run.terminate_recommended unresponsive',
    'run.health_changed unresponsive healthy',
    'run.health_changed healthy unresponsive',
    'run.terminate_recommended unresponsive',
  ]);
  await api.issue(id, 'end', 'terminate', { reason: 'as recommended' });
  await api.next(id);
  await api.ack(id, 'end');
  expect((await product.run(id)).state).toBe('terminated');
});

test('a run that was never heard of, and one that has ended, are left alone', async () => {
  const waiting = await api.open('trainer');
  const over = await api.open('trainer');
  await api.beat(over);
  await product.call('POST', `/runs/${over}/complete`, { state: 'completed' });
  await api.age(over, 1_000);
  await sweeper().sweep();
  for (const id of [waiting, over])
    expect([await told(id), (await product.run(id)).health]).toEqual([[], 'healthy']);
});

const sweeper = () =>
  healthSweeper({
    db: product.database.db,
    limits: { unresponsive_after_seconds: 135 },
  });

test('sweeps and heartbeats at once: what is judged stale was silent, and nobody is judged twice', async () => {
  const ids = await Promise.all(Array.from({ length: 10 }, () => api.open('trainer')));
  await Promise.all(ids.map((id) => api.beat(id)));
  await Promise.all(ids.map((id) => api.age(id, 60)));
  const beats = ids.map((id) => api.beat(id));
  const sweeps = Array.from({ length: 5 }, () => sweeper().sweep());
  await Promise.all([...beats, ...sweeps]);
  for (const id of ids) {
    expect((await product.run(id)).health).toBe('healthy');
    const events = await told(id);
    expect([
      [],
      ['run.health_changed healthy heartbeat_stale', 'run.health_changed heartbeat_stale healthy'],
    ]).toContainEqual(events);
  }
});
