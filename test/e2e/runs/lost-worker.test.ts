import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bash, definition } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { contradictions } from '../../support/model-check.ts';
import { ownProcess, type OwnProcess } from '../../support/own-process.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';

let product: Product;
let agent: OwnProcess;
let home: string;

beforeAll(async () => {
  product = await startProduct();
  home = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-lost-worker-'));
  agent = ownProcess('agent', {
    ORCHESTRATOR_DATABASE_URL: product.database_url,
    ORCHESTRATOR_TEMPORAL_HOST_PORT: testTemporal(),
    ORCHESTRATOR_TEMPORAL_TASK_QUEUE: product.config.temporal.task_queue,
    ORCHESTRATOR_AUTH_API_TOKEN: product.token,
    ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false',
    ORCHESTRATOR_DATA_DIR: home,
  });
});
afterAll(async () => {
  await agent?.kill();
  await product?.stop();
  await rm(home, { recursive: true, force: true });
});

it.each([
  ['terminate', 'terminated'],
  ['cancel', 'cancelled'],
])('%s of a run whose step lost its worker: the step is cancelled, not failed', async (command, state) => {
  await agent.start();
  await product.publish('lost', definition('lost', { slow: bash('sleep 60') }));
  const { id } = await product.start('lost');
  await eventually(async () => (await product.steps(id))[0]?.state === 'running' || undefined);
  await agent.kill();
  expect((await product.call('POST', `/runs/${id}/${command}`, { reason: 'enough' })).status).toBe(202);
  expect(await product.ended(id, 60)).toMatchObject({ state, error: null });
  expect(await product.steps(id)).toMatchObject([{ node: 'slow', state: 'cancelled', error: null }]);
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});
