import { stepRepository } from '../../../src/persistence/steps.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';

interface Entry {
  seq: number;
  node: string;
  item: number | null;
  attempt: number;
  stream: string;
  text: string;
}

let product: Product;
let run_id: string;

beforeAll(async () => {
  product = await startProduct({ worker: false });
  await product.publish('logged', definition('logged', { a: transform(1) }));
  run_id = (await product.start('logged')).id;
  const steps = stepRepository(product.database.db);
  for (let i = 0; i < 6; i++) {
    const data = {
      node: i % 2 === 0 ? 'a' : 'b',
      attempt: 1,
      stream: i < 4 ? 'stdout' : 'stderr',
      text: `${i}\n`,
    };
    await steps.note(run_id, 'step.log', i === 5 ? { ...data, item: 7 } : data);
    await steps.note(run_id, 'step.progress', { node: 'a' });
  }
  await steps.note(run_id, 'step.log', { node: 'a', attempt: 2, stream: 'stdout', text: 'nul \u0000 byte' });
});
afterAll(() => product.stop());

const logs = async (query = '') => {
  const { status, body } = await product.call<{ items: Entry[]; next_cursor: string | null }>(
    'GET',
    `/runs/${run_id}/logs${query}`,
  );
  expect(status).toBe(200);
  return body;
};
const textsOf = (items: Entry[]) => items.map(({ text }) => text.trim());

it('are what the steps wrote, in order, whatever bytes were in it', async () => {
  const { items, next_cursor } = await logs();
  expect(textsOf(items)).toEqual(['0', '1', '2', '3', '4', '5', 'nul \u0000 byte']);
  expect(items[5]).toMatchObject({ node: 'b', item: 7, attempt: 1, stream: 'stderr' });
  expect(items[6]).toMatchObject({ node: 'a', item: null, attempt: 2 });
  expect(next_cursor).toBeNull();
});

it('are filtered by node, stream and item', async () => {
  expect(textsOf((await logs('?node=b')).items)).toEqual(['1', '3', '5']);
  expect(textsOf((await logs('?node=a&stream=stderr')).items)).toEqual(['4']);
  expect(textsOf((await logs('?item=7')).items)).toEqual(['5']);
  expect((await logs('?node=none')).items).toEqual([]);
});

it('come in pages', async () => {
  const texts: string[] = [];
  let cursor = '';
  for (let pages = 0; pages < 10; pages++) {
    const { items, next_cursor } = await logs(`?limit=2&stream=stdout${cursor}`);
    texts.push(...textsOf(items));
    if (next_cursor === null) break;
    cursor = `&cursor=${next_cursor}`;
  }
  expect(texts).toEqual(['0', '1', '2', '3', 'nul \u0000 byte']);
});

it('are one text when that is what is accepted', async () => {
  const answer = await fetch(`${product.url}/api/v1/runs/${run_id}/logs?node=a`, {
    headers: { authorization: `Bearer ${product.token}`, accept: 'text/plain' },
  });
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await answer.text()).toBe('0\n2\n4\nnul \u0000 byte');
});

it('are nobody else’s, and refuse what is no cursor', async () => {
  const unknown = '00000000-0000-7000-8000-0000000000cc';
  expect((await product.call('GET', `/runs/${unknown}/logs`)).status).toBe(404);
  expect((await product.call('GET', `/runs/${run_id}/logs?cursor=x`)).status).toBe(422);
  const text = await fetch(`${product.url}/api/v1/runs/${unknown}/logs`, {
    headers: { authorization: `Bearer ${product.token}`, accept: 'text/plain' },
  });
  expect(text.status).toBe(404);
});
