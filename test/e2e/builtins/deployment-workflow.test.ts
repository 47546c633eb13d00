import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const PROJECT = '00000000-0000-7000-8000-000000000001';
const ENVIRONMENTS = `/projects/${PROJECT}/environments`;

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

interface Result {
  released: boolean;
  already_live: boolean;
  release_id: string;
  digest: string;
  environments: { environment: string; state: string }[];
  rolled_back: boolean;
}

const sum = (name: string, expression: string) =>
  definition(name, { total: transform(`\${{ ${expression} }}`) });

async function begin(workflow: string, body: object): Promise<string> {
  const answer = await product.call<{ id: string }>('POST', `/workflows/${workflow}/deploy`, body);
  expect([answer.status, answer.body]).toMatchObject([202, { type: 'deployment' }]);
  return answer.body.id;
}
async function deploy(workflow: string, body: object) {
  const run = await product.ended(await begin(workflow, body));
  return { run, result: run.output as Result };
}
const target = async (tag: string): Promise<unknown> =>
  (await product.call('GET', `/tags/${encodeURIComponent(tag)}`)).body.target_hash;
const states = async (id: string) =>
  Object.fromEntries((await product.steps(id)).map(({ node, state }) => [node, state]));

test('moves the tags of staging and production, without anything set up', async () => {
  const saved = await product.publish('plain', sum('plain', 'input.n + 1'));
  const { run, result } = await deploy('plain', { environment: 'production' });
  expect(run).toMatchObject({ state: 'completed' });
  expect(result).toMatchObject({
    released: true,
    digest: saved.version_hash,
    environments: [
      { environment: 'staging', state: 'live' },
      { environment: 'production', state: 'live' },
    ],
  });
  expect([await target('plain/staging'), await target('plain/production')]).toEqual([
    saved.version_hash,
    saved.version_hash,
  ]);
  expect((await deploy('plain', { environment: 'production' })).result).toMatchObject({
    released: true,
    already_live: true,
    release_id: result.release_id,
  });
});

describe('with smoke runs, an approval and a watch', () => {
  beforeAll(async () => {
    const environments = {
      proving: { deployer: 'tag', checks: [{ type: 'workflow', input: { n: 20 } }] },
      live: { deployer: 'tag', staging: 'proving', approval: { forbid_self: false } },
    };
    for (const [name, body] of Object.entries(environments))
      expect((await product.call('PUT', `${ENVIRONMENTS}/${name}`, body)).status).toBe(201);
  });

  async function approve(id: string, form?: object): Promise<void> {
    await eventually(async () => (await states(id)).Approval === 'waiting' || undefined);
    const { status } = await product.call('POST', `/runs/${id}/approvals/Approval`, {
      decision: 'approve',
      form,
    });
    expect(status).toBe(202);
  }

  test('a version that works when it is run goes live once somebody agreed', async () => {
    const saved = await product.publish('checkout', sum('checkout', '100 / input.n'));
    const id = await begin('checkout', { environment: 'live' });
    await approve(id);
    expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { released: true } });
    expect(await target('checkout/live')).toBe(saved.version_hash);
    const children = await product.call<{ items: { workflow: string; state: string }[] }>(
      'GET',
      '/runs?workflow=checkout',
    );
    expect(children.body.items).toMatchObject([{ state: 'completed' }]);
  });

  test('one that does not never gets there, and staging points where it did', async () => {
    const before = await target('checkout/live');
    await product.publish('checkout', sum('checkout', 'input.missing + 1'));
    const { run, result } = await deploy('checkout', { environment: 'live' });
    expect(run).toMatchObject({ state: 'failed', error: { code: 'smoke_failed', step: 'RunSmokeTests' } });
    expect(result).toMatchObject({ released: false, rolled_back: true });
    expect([await target('checkout/live'), await target('checkout/proving')]).toEqual([before, before]);
  });

  test('an approval of another digest is none', async () => {
    const before = await target('checkout/live');
    await product.publish('checkout', sum('checkout', '200 / input.n'));
    const id = await begin('checkout', { environment: 'live' });
    await approve(id, { digest: `sha256:${'0'.repeat(64)}` });
    expect(await product.ended(id)).toMatchObject({
      state: 'failed',
      error: { code: 'approval_mismatch', step: 'DeployToProduction' },
      output: { released: false, rolled_back: true },
    });
    expect(await target('checkout/live')).toBe(before);
  });

  test('one that makes runs fail while it is watched is undone', async () => {
    const before = await target('checkout/live');
    await product.publish('checkout', sum('checkout', '300 / input.n'));
    const id = await begin('checkout', { environment: 'live', watch_seconds: 600 });
    await approve(id);
    await eventually(async () => (await states(id)).HealthCheck === 'running' || undefined);
    const failing = await product.call<{ id: string }>('POST', '/runs', {
      workflow: 'checkout/live',
      input: { n: 0 },
    });
    expect((await product.ended(failing.body.id)).state).toBe('failed');
    expect(await product.ended(id)).toMatchObject({
      state: 'failed',
      error: { code: 'unhealthy', step: 'HealthCheck' },
      output: { rolled_back: true },
    });
    expect(await target('checkout/live')).toBe(before);
  });

  test('its tag moves in no other way, and its undo is a deployment', async () => {
    const refused = await product.call('POST', '/tags/checkout%2Flive/move', { target: 'checkout' });
    expect(refused.status).toBe(409);
    await product.publish('checkout', sum('checkout', '400 / input.n'));
    const before = await target('checkout/live');
    const id = await begin('checkout', { environment: 'live' });
    await approve(id);
    expect((await product.ended(id)).state).toBe('completed');
    expect(await target('checkout/live')).not.toBe(before);
    const undone = await product.call<{ id: string }>('POST', '/tags/checkout%2Flive/undo', {});
    expect([undone.status, undone.body]).toMatchObject([202, { type: 'deployment' }]);
    expect(await product.ended(undone.body.id)).toMatchObject({ state: 'completed' });
    expect(await target('checkout/live')).toBe(before);
  });
});

test.each(['cancel', 'terminate'])('a %s while it is watched moves the tag back', async (command) => {
  const name = `stopped-${command}`;
  await product.publish(name, sum(name, 'input.n'));
  expect((await deploy(name, { environment: 'production' })).run.state).toBe('completed');
  const before = await target(`${name}/production`);
  await product.publish(name, sum(name, 'input.n + 1'));
  const id = await begin(name, { environment: 'production', watch_seconds: 600 });
  await eventually(async () => (await states(id)).HealthCheck === 'running' || undefined);
  expect(await target(`${name}/production`)).not.toBe(before);
  await product.call('POST', `/runs/${id}/${command}`, command === 'terminate' ? { reason: 'tested' } : {});
  const run = await product.ended(id);
  expect(run.output).toMatchObject({ released: false, rolled_back: true });
  expect([await target(`${name}/production`), await target(`${name}/staging`)]).toEqual([before, before]);
  expect((await deploy(name, { environment: 'production' })).run.state).toBe('completed');
});
