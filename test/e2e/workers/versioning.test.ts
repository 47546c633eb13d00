import { Client, Connection } from '@temporalio/client';
import { newId } from '../../../src/ids.ts';
import { definition, transform } from '../../support/definitions.ts';
import { contradictions } from '../../support/model-check.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { startWorker, type TestWorker } from '../../support/worker.ts';

const deployment_name = `test-${newId()}`;

let product: Product;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  product = await startProduct({ worker: false });
  connection = await Connection.connect({ address: testTemporal() });
  client = new Client({ connection });
  const event = { type: 'wait', config: { event: 'go' } };
  await product.publish('waits', definition('waits', { w: event, t: transform(1, { needs: ['w'] }) }));
});
afterAll(async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
  await connection.close();
  await product.stop();
});

const build = (build_id: string): Promise<TestWorker> => {
  const worker = { ...product.config.worker, versioning: true, deployment_name, build_id };
  return startWorker({ ...product.config, worker }, product.database_url);
};

async function current(): Promise<string | undefined> {
  const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
    namespace: client.options.namespace,
    deploymentName: deployment_name,
  });
  return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
}

/** The build that closed the execution of a run. */
async function buildOf(id: string): Promise<string | undefined> {
  const handle = client.workflow.getHandle(id);
  await handle.result();
  const { raw } = await handle.describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
}

const go = (id: string) => product.call('POST', `/runs/${id}/events/go`, 1);
const waiting = async (id: string) => {
  while (!(await product.steps(id)).some((step) => step.state === 'waiting'))
    await new Promise((resolve) => setTimeout(resolve, 50));
};

it('a build takes runs; the next one becomes current and takes over those that are open', async () => {
  const first = await build('build-1');
  expect(await current()).toBe('build-1');
  const { id: ended } = await product.start('waits');
  const { id: open } = await product.start('waits');
  for (const id of [ended, open]) await waiting(id);
  await go(ended);
  expect((await product.ended(ended)).state).toBe('completed');
  expect(await buildOf(ended)).toBe('build-1');

  const second = await build('build-2');
  expect(await current()).toBe('build-2');
  await first.stop();
  await go(open);
  expect((await product.ended(open)).state).toBe('completed');
  expect(await buildOf(open)).toBe('build-2');

  // A worker of the old build that starts once more does not take the runs back.
  const again = await build('build-1');
  expect(await current()).toBe('build-2');
  await again.stop();
  await second.stop();
});
