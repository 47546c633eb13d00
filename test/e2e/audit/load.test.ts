import { setTimeout as pause } from 'node:timers/promises';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';

const WRITES = 500;
let product: Product;
const statements: string[] = [];

beforeAll(async () => {
  product = await startProduct({ worker: false, onStatement: (sql) => statements.push(sql) });
});
afterAll(() => product?.stop());

const save = (name: string, headers: Record<string, string>) => {
  const workflow = definition(name, { a: transform(1) });
  return product.call('POST', '/workflows', { tag_name: name, workflow }, headers);
};

interface Kept {
  status: number;
  replayed: boolean;
}

/** What is kept under each request id. */
async function kept(): Promise<Map<string, Kept[]>> {
  const sql = 'SELECT request_id, status, replayed FROM audit_entry';
  const { rows } = await product.database.pool.query<Kept & { request_id: string }>(sql);
  const found = new Map<string, Kept[]>();
  for (const { request_id, ...entry } of rows)
    found.set(request_id, [...(found.get(request_id) ?? []), entry]);
  return found;
}

/** The verification, once everything has its place; that takes no more than the sweeps of the product. */
const sealed = () =>
  eventually(async () => {
    const { body } = await product.call('GET', '/audit/verify');
    return body.unsealed === 0 ? body : undefined;
  });

const countOfTags = async () => {
  const { rows } = await product.database.pool.query<{ n: number }>('SELECT count(*)::integer AS n FROM tag');
  return rows[0]!.n;
};

test(`${WRITES} writes at once leave ${WRITES} entries, by a few statements, in one chain, and wait for them`, async () => {
  statements.length = 0;
  const ids = Array.from({ length: WRITES }, (_, i) => `load-${i}`);
  const holder = await product.database.pool.connect();
  await holder.query('BEGIN; LOCK TABLE audit_entry IN EXCLUSIVE MODE');
  let answered = 0;
  const saving = Promise.all(
    ids.map((id) =>
      save(id, { 'x-request-id': id }).then(({ status }) => {
        answered += 1;
        return status;
      }),
    ),
  );
  await eventually(async () => ((await countOfTags()) === WRITES ? true : undefined));
  expect(answered).toBe(0);
  await holder.query('COMMIT');
  holder.release();
  expect(new Set(await saving)).toEqual(new Set([201]));
  // The first one, those that were done by then, and those that were about to be.
  const inserts = statements.filter((sql) => sql.includes('INSERT INTO audit_entry'));
  expect(inserts.length).toBeLessThan(20);
  const found = await kept();
  for (const id of ids) expect([id, found.get(id)]).toEqual([id, [{ status: 201, replayed: false }]]);
  expect(await sealed()).toMatchObject({ entries: WRITES, intact: true, head: { seq: WRITES } });
});

test('while the database cuts its connections nothing is acknowledged without its entry', async () => {
  const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`;
  const statuses = new Map<string, number>();
  for (let round = 0; round < 40; round++) {
    const ids = Array.from({ length: 10 }, (_, i) => `cut-${round}-${i}`);
    const saving = ids.map(async (id) => statuses.set(id, (await save(id, { 'x-request-id': id })).status));
    await pause(round);
    await product.database.pool.query(cut).catch(() => undefined);
    await Promise.all(saving);
  }
  const acknowledged = [...statuses].filter(([, status]) => status === 201).map(([id]) => id);
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(new Set(statuses.values())).toEqual(new Set([201, 503]));
  const found = await kept();
  for (const id of acknowledged)
    expect([id, found.get(id)]).toEqual([id, [{ status: 201, replayed: false }]]);
  expect(await sealed()).toMatchObject({ entries: [...found.values()].flat().length, intact: true });
});
