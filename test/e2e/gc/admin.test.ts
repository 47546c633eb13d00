import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { fsckView, gcView, jobView, retentionView } from '../../../src/api/schemas/admin.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';

const PEOPLE = [
  { name: 'keeper', token: 'keeper-keeper-keeper-keeper-keeper', role: 'maintainer' },
  {
    name: 'tenant',
    token: 'tenant-tenant-tenant-tenant-tenant',
    role: 'owner',
    projects: ['00000000-0000-7000-8000-000000000001'],
  },
];

let product: Product;

beforeAll(async () => {
  product = await startProduct({ env: { ORCHESTRATOR_AUTH_TOKENS: JSON.stringify(PEOPLE) } });
});
afterAll(() => product?.stop());

interface Body {
  [name: string]: unknown;
  items: Record<string, unknown>[];
  next_cursor: string | null;
  code: string;
  errors: { path: string }[];
}

const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  product.call<Body>('POST', path, body, headers);
const as = (name: string) => ({ authorization: `Bearer ${PEOPLE.find((one) => one.name === name)!.token}` });
const gc = (body: object = {}) => post('/admin/gc', body);

async function upload(bytes: Buffer | string): Promise<string> {
  const answer = await fetch(`${product.url}/api/v1/blobs`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${product.token}` },
    body: bytes,
  });
  return ((await answer.json()) as { cas_id: string }).cas_id;
}

const readBlob = async (cas_id: string, method = 'GET') => {
  const answer = await fetch(`${product.url}/api/v1/blobs/${cas_id}`, {
    method,
    headers: { authorization: `Bearer ${product.token}` },
  });
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
};

const ended = async (id: unknown) => {
  const answer = await product.call<Body>('GET', `/admin/jobs/${String(id)}?wait=30`);
  asDocumented(jobView, answer.body);
  return answer;
};
const asDocumented = (view: z.ZodType, body: unknown) => expect(view.safeParse(body).error).toBeUndefined();

describe('POST /admin/gc', () => {
  it('collects what nothing leads to, which answers 410 then, and nothing else', async () => {
    const file = await upload('a file');
    const workflow = definition('keeps', { a: transform(1) }, { files: { 'a.txt': file } });
    const kept = await product.publish('keeps', workflow);
    const run = await product.ended((await product.start('keeps')).id);
    const alone = await upload(randomBytes(2_000_000));
    const done = await gc({ grace_seconds: 0 });
    expect(done).toMatchObject({
      status: 200,
      body: {
        dry_run: false,
        grace_seconds: 0,
        collected: { artifacts: 0, blobs: 1, bytes: 2_000_000 },
        objects: { deleted: 1 },
      },
    });
    asDocumented(gcView, done.body);
    expect(await readBlob(alone)).toMatchObject({ status: 410 });
    expect(JSON.parse((await readBlob(alone)).bytes.toString())).toMatchObject({ code: 'blob_collected' });
    expect((await readBlob(alone, 'HEAD')).status).toBe(410);
    expect((await readBlob(file)).bytes.toString()).toBe('a file');
    expect(
      (await product.call('GET', `/workflows/${String(kept.version_hash)}?materialize=true`)).status,
    ).toBe(200);
    expect((await product.call('GET', `/runs/${run.id}/snapshot`)).status).toBe(200);
    expect(await ended(done.body.job_id)).toMatchObject({
      status: 200,
      body: {
        id: done.body.job_id,
        kind: 'gc',
        state: 'completed',
        error: null,
        report: { collected: { blobs: 1 } },
      },
    });
  });

  it('leaves a version of its own name 410 everywhere, and its entries readable', async () => {
    const one = await product.publish('goes', definition('goes', { a: transform(1) }));
    await product.publish('goes', definition('goes', { a: transform(2) }));
    await product.call('DELETE', '/tags/goes');
    await product.database.pool.query(
      `UPDATE tag_move SET moved_at = moved_at - interval '91 days' WHERE tag_name = 'goes'`,
    );
    expect((await gc({ grace_seconds: 0 })).body.collected).toMatchObject({ artifacts: 2, blobs: 2 });
    const [id, hash] = [String(one.artifact_id), String(one.version_hash)];
    for (const path of [
      `/workflows/${id}`,
      `/workflows/${hash}`,
      `/artifacts/${id}`,
      `/artifacts/${id}/chain`,
      `/diff?from=${hash}&to=keeps`,
    ])
      expect([path, (await product.call('GET', path)).status]).toEqual([path, 410]);
    for (const target of [id, hash])
      expect((await product.call('PUT', '/tags/goes%2Flive', { target })).status).toBe(410);
    expect((await post('/runs', { workflow: id })).status).toBe(410);
    expect((await product.call<Body>('GET', '/tags/goes/history')).body.items).toHaveLength(3);
    await product.publish('goes', definition('goes', { a: transform(3) }));
    const versions = await product.call<Body>('GET', '/workflows/goes/versions');
    expect(versions.body.items.map((version) => version.live)).toEqual([true, false, false]);
    expect((await product.call('GET', '/workflows/goes/versions/1?materialize=true')).status).toBe(410);
    await product.publish('goes', definition('goes', { a: transform(1) }));
    expect((await product.call('GET', `/workflows/${hash}?materialize=true`)).status).toBe(200);
  });

  it('says in a dry run what it would collect and why the rest stays, page by page, and does nothing', async () => {
    const alone = await upload('for the dry run');
    const items: Record<string, unknown>[] = [];
    let cursor = '';
    do {
      const page = await post(`/admin/gc?limit=3${cursor}`, { dry_run: true, grace_seconds: 0 });
      expect(page.status).toBe(200);
      asDocumented(gcView, page.body);
      items.push(...page.body.items);
      cursor = page.body.next_cursor === null ? '' : `&cursor=${page.body.next_cursor}`;
    } while (cursor !== '');
    const ids = items.map((item) => item.cas_id ?? item.artifact_id);
    expect(ids).toEqual([...new Set(ids)]);
    expect(items.filter((item) => item.fate === 'collected')).toEqual([
      { cas_id: alone, kind: 'blob', size_bytes: 15, fate: 'collected' },
    ]);
    expect(items.find((item) => item.tag === 'keeps' && item.kind === 'dag_version')).toMatchObject({
      fate: 'kept',
      reason: 'tag',
    });
    const only = await post('/admin/gc?fate=collected', { dry_run: true, grace_seconds: 0 });
    expect(only.body.items).toHaveLength(1);
    const young = await post('/admin/gc?limit=100', { dry_run: true });
    expect(young.body).toMatchObject({ dry_run: true, grace_seconds: 1_209_600, collected: { blobs: 0 } });
    expect(young.body.items.find((item) => item.cas_id === alone)).toMatchObject({
      reason: 'grace',
      fate: 'kept',
    });
    expect((await readBlob(alone)).status).toBe(200);
    expect((await gc({ grace_seconds: 0 })).body.collected).toMatchObject({ blobs: 1 });
  });

  it.each<[string, string, unknown, string]>([
    ['an unknown field', '/admin/gc', { dry: true }, '400 malformed_request'],
    ['an unknown parameter', '/admin/gc?x=1', {}, '400 malformed_request'],
    ['a negative grace time', '/admin/gc', { grace_seconds: -1 }, '422 validation_failed'],
    ['half a second of grace', '/admin/gc', { grace_seconds: 0.5 }, '422 validation_failed'],
    ['text for a grace time', '/admin/gc', { grace_seconds: '0' }, '422 validation_failed'],
    ['a limit of 0', '/admin/gc?limit=0', { dry_run: true }, '422 validation_failed'],
    ['a cursor of another list', '/admin/gc?cursor=e30', { dry_run: true }, '422 validation_failed'],
    ['an unknown fate', '/admin/gc?fate=x', { dry_run: true }, '422 validation_failed'],
    ['to be waited for too long', '/admin/fsck?wait=61', {}, '422 validation_failed'],
    ['a body for fsck', '/admin/fsck', { dry_run: true }, '400 malformed_request'],
    ['a body for retention', '/admin/retention', { days: 1 }, '400 malformed_request'],
  ])('refuses %s', async (_, path, body, refusal) => {
    const answer = await post(path, body);
    expect(`${answer.status} ${answer.body.code}`).toBe(refusal);
  });
});

it.each(['/admin/gc', '/admin/fsck', '/admin/retention', '/admin/jobs/gc-1', '/admin/jobs/gc-1/findings'])(
  '%s is for owners of everything alone',
  async (path) => {
    const method = path.startsWith('/admin/jobs') ? 'GET' : 'POST';
    for (const name of ['keeper', 'tenant']) {
      const answer = await product.call<Body>(method, path, undefined, as(name));
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    }
    const nobody = await product.call<Body>(method, path, undefined, { authorization: 'Bearer nobody' });
    expect(nobody.status).toBe(401);
  },
);

describe('POST /admin/fsck', () => {
  it('lists exactly the blobs that were corrupted, whose reading answers an integrity error', async () => {
    expect(await post('/admin/fsck?wait=30')).toMatchObject({
      status: 200,
      body: { corrupt: [], problems: [], found: {} },
    });
    const ids: string[] = [];
    for (let n = 0; n < 200; n++) ids.push(await upload(`blob ${n}`));
    const bad = [ids[17]!, ids[170]!].sort();
    await product.database.pool.query(
      `UPDATE cas_blob SET content = set_byte(content, 0, 0) WHERE cas_id = ANY ($1)`,
      [bad],
    );
    const { status, body } = await post('/admin/fsck?wait=30');
    expect(status).toBe(200);
    asDocumented(fsckView, body);
    expect(body.corrupt).toEqual(bad);
    expect(body.checked).toBeGreaterThan(200);
    expect(body.found).toEqual({ corrupt_blob: 2 });
    for (const cas_id of bad) expect((await readBlob(cas_id)).status).toBe(500);
    const path = `/admin/jobs/${String(body.job_id)}/findings`;
    const first = await product.call<Body>('GET', `${path}?limit=1`);
    const second = await product.call<Body>('GET', `${path}?cursor=${first.body.next_cursor}`);
    expect([...first.body.items, ...second.body.items].map((finding) => finding.about)).toEqual(bad);
    expect(second.body.next_cursor).toBeNull();
    expect((await ended(body.job_id)).body).toMatchObject({ kind: 'fsck', report: { corrupt: bad } });
    await product.database.pool.query('DELETE FROM blob_grant WHERE cas_id = ANY ($1)', [bad]);
    await product.database.pool.query('DELETE FROM cas_blob WHERE cas_id = ANY ($1)', [bad]);
  });
});

describe('POST /admin/retention', () => {
  it('deletes runs past their time; the next collection takes their records', async () => {
    await product.publish('old', definition('old', { a: transform(1) }));
    const [old, young] = [await product.start('old'), await product.start('old')];
    for (const { id } of [old, young]) await product.ended(id);
    await product.database.pool.query(
      `UPDATE run SET ended_at = ended_at - interval '91 days' WHERE id = $1`,
      [old.id],
    );
    const done = await post('/admin/retention');
    asDocumented(retentionView, done.body);
    expect(done).toMatchObject({ status: 200, body: { runs: 1, approvals: 0 } });
    expect((await product.call('GET', `/runs/${old.id}`)).status).toBe(404);
    expect((await product.call('GET', `/runs/${young.id}`)).status).toBe(200);
    // Its manifest and its snapshot.
    expect((await gc({ grace_seconds: 0 })).body.collected).toMatchObject({ artifacts: 2 });
  });
});

describe('GET /admin/jobs/:id', () => {
  it.each([
    'gc-1',
    'x',
    'gc-00000000-0000-7000-8000-000000000001',
    'audit-00000000-0000-7000-8000-000000000001',
  ])('does not know the job %s', async (id) => {
    for (const path of [`/admin/jobs/${id}`, `/admin/jobs/${id}/findings`])
      expect((await product.call<Body>('GET', path)).body).toMatchObject({ code: 'not_found', status: 404 });
  });

  it('has findings only for a check', async () => {
    const { job_id } = (await gc({})).body;
    expect((await product.call('GET', `/admin/jobs/${String(job_id)}/findings`)).status).toBe(404);
  });
});

it('a job that takes longer goes on; the same asked again joins it, something else of its kind is 409', async () => {
  const lock = await product.database.pool.connect();
  await lock.query('BEGIN');
  await lock.query('LOCK TABLE tag IN ACCESS EXCLUSIVE MODE');
  try {
    const first = await post('/admin/gc?wait=0.3', { grace_seconds: 60 });
    expect(first).toMatchObject({
      status: 202,
      body: { kind: 'gc', state: 'running', report: null, ended_at: null },
    });
    asDocumented(jobView, first.body);
    expect(first.headers.get('location')).toBe(`/api/v1/admin/jobs/${String(first.body.id)}`);
    const same = await post('/admin/gc?wait=0', { grace_seconds: 60 });
    expect([same.status, same.body.id]).toEqual([202, first.body.id]);
    const other = await post('/admin/gc?wait=0', { grace_seconds: 61 });
    expect(other).toMatchObject({ status: 409, body: { code: 'state_conflict', job_id: first.body.id } });
    await lock.query('ROLLBACK');
    expect((await ended(first.body.id)).body).toMatchObject({
      state: 'completed',
      report: { grace_seconds: 60 },
    });
  } finally {
    lock.release(true);
  }
});

it('leaves rows, events and Temporal in agreement', async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});
