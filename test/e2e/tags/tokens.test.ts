import { apiClient, type ApiClient } from '../../support/api-client.ts';
import { definitionOf } from '../../support/store.ts';
import { type Product, startProduct } from '../../support/product.ts';

const tokens = ['viewer', 'editor', 'fireman'].map((name) => ({
  name,
  token: `token-of-${name}-${'x'.repeat(32)}`,
  role: name === 'viewer' ? 'viewer' : 'editor',
  ...(name === 'fireman' && { permissions: ['tag:break_glass'] }),
}));
let product: Product;
let as: Record<string, ApiClient>;

beforeAll(async () => {
  product = await startProduct({ worker: false, env: { ORCHESTRATOR_AUTH_TOKENS: JSON.stringify(tokens) } });
  as = Object.fromEntries(tokens.map(({ name, token }) => [name, apiClient(product.url, token)]));
});

afterAll(() => product?.stop());

it('the tokens of the configuration are told apart, each with its role', async () => {
  const save = (by: ApiClient, value: number, more = {}) =>
    by.call('POST', '/workflows', { tag_name: 'shop/live', workflow: definitionOf(value), ...more });
  expect((await save(as.viewer!, 1)).status).toBe(403);
  expect(await save(as.editor!, 1)).toMatchObject({ status: 201, body: { created_by: 'token:editor' } });
  expect((await as.viewer!.call('GET', '/tags/shop%2Flive')).status).toBe(200);
  const rule = { pattern: 'shop/*', role: 'owner' };
  expect((await as.editor!.call('POST', '/tag-rules', rule)).status).toBe(403);
  expect(await product.call('POST', '/tag-rules', rule)).toMatchObject({
    status: 201,
    body: { created_by: 'token:admin' },
  });
});

it('breaking the glass is a permission of its own, which the administrator has', async () => {
  const undo = (by: ApiClient, version: number) =>
    by.call(
      'POST',
      '/tags/shop%2Flive/undo',
      { break_glass: true, reason: 'incident' },
      { 'if-match': `"${version}"` },
    );
  for (const value of [2, 3])
    await product.call(
      'POST',
      '/workflows',
      { tag_name: 'shop/live', workflow: definitionOf(value) },
      { 'if-match': `"${value - 1}"` },
    );
  expect((await undo(as.editor!, 3)).status).toBe(403);
  expect((await undo(as.fireman!, 3)).status).toBe(200);
  expect((await undo(product, 4)).status).toBe(200);
  const { body } = await product.call<{ items: Record<string, unknown>[] }>(
    'GET',
    '/tags/shop%2Flive/history?limit=2',
  );
  expect(body.items.map((entry) => [entry.break_glass, entry.moved_by, entry.reason])).toEqual([
    [true, 'token:admin', 'incident'],
    [true, 'token:fireman', 'incident'],
  ]);
});
