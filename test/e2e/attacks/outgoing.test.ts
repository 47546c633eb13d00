/** Every kind of address that a user gives and the product calls, in every spelling of this machine: nobody arrives. */
import { definition } from '../../support/definitions.ts';
import { canary, type Canary } from '../../support/canary.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { LOOPBACK_FORMS } from '../../support/ssrf-forms.ts';

let product: Product;
let forbidden: Canary;
let forms: string[];

beforeAll(async () => {
  forbidden = await canary();
  forms = LOOPBACK_FORMS.map((form) => form.replace('PORT', String(forbidden.port)));
  product = await startProduct({ env: { ORCHESTRATOR_WEBHOOKS_MAX_ATTEMPTS: '1' } });
});
afterAll(async () => {
  await product?.stop();
  await forbidden?.close();
});
afterEach(() => expect(forbidden.connections()).toBe(0));

it('there are more than forty', () => {
  expect(new Set(forms).size).toBeGreaterThanOrEqual(40);
});

it('the steps of a run', async () => {
  const get = { type: 'http', config: { method: 'GET', url: '$' + '{{ item }}' } };
  const config = { items: '$' + '{{ input }}', node: get, on_item_error: 'continue', max_parallel: 10 };
  await product.publish('calls', definition('calls', { all: { type: 'map', config } }));
  const { id } = await product.start('calls', forms);
  await product.ended(id);
  const calls = (await product.steps(id)).filter(({ item }) => typeof item === 'number');
  expect(calls.map(({ item }) => item).sort((a, b) => Number(a) - Number(b))).toEqual(forms.map((_, i) => i));
  for (const { state, error, item } of calls)
    expect([forms[Number(item)], state, error?.code]).toEqual([
      forms[Number(item)],
      'failed',
      'egress_refused',
    ]);
});

it('outgoing webhooks', async () => {
  const made: string[] = [];
  for (const url of forms) {
    const { status, body } = await product.call('POST', '/webhooks', { url, events: ['run.completed'] });
    expect([url, [201, 422].includes(status)]).toEqual([url, true]);
    if (status === 201) made.push(String(body.id));
  }
  expect(made.length).toBeGreaterThan(10);
  await product.publish('told', definition('told', { a: { type: 'transform', config: { value: 1 } } }));
  await product.ended((await product.start('told')).id);
  for (const id of made) {
    const { state, last_error } = await eventually(async () => {
      const { body } = await product.call<{ items: { state: string; last_error: string | null }[] }>(
        'GET',
        `/webhooks/${id}/deliveries`,
      );
      return body.items.find((delivery) => delivery.state !== 'pending');
    });
    expect([id, state, last_error]).toEqual([id, 'dead', expect.stringContaining('may not be called')]);
  }
});

it('repositories', async () => {
  const runs: string[] = [];
  for (const form of forms) {
    const repository = form
      .trim()
      .replace(/^http:/i, 'https:')
      .slice(0, 2_000);
    const body = { name: 'look', type: 'code_analysis', input: { repository } };
    const { status, body: run } = await product.call('POST', '/workflows', body);
    expect([form, [202, 422].includes(status)]).toEqual([form, true]);
    if (status === 202) runs.push(String(run.id));
  }
  expect(runs.length).toBeGreaterThan(10);
  for (const id of runs) {
    const { state, error } = await product.ended(id);
    expect(['failed', 'errored']).toContain(state);
    expect(['egress_refused', 'repository_refused', 'repository_unreachable']).toContain(error?.code);
  }
});
