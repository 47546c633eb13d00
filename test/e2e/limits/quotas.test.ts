import { createHmac } from 'node:crypto';
import type { ProjectSettings } from '../../../src/contract/project-settings.ts';
import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import { newId } from '../../../src/ids.ts';
import { type Answer, type ApiClient, apiClient } from '../../support/api-client.ts';
import { startApiProcess, type ApiProcess } from '../../support/api-process.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';

const PER_PRINCIPAL = 4;
const A_DAY = 6;
const SECRET = 'a secret of sixteen';
const tokenOf = (name: string) => name.padEnd(40, '-');
const PEOPLE = ['ada', 'bob', 'eve'];

/** Nothing carries runs out here: a run is open until a test ends it. */
let product: Product;
/** Another API process on the same database. */
let replica: ApiProcess;
/** One that has quotas for principals as well. */
let strict: ApiProcess;
let projects = 0;

beforeAll(async () => {
  product = await startProduct({
    env: { ORCHESTRATOR_HOOKS_SECRETS: JSON.stringify([{ name: 'ours', secret: SECRET }]) },
    worker: false,
  });
  const beside = {
    ORCHESTRATOR_DATABASE_URL: product.database_url,
    ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '0',
  };
  replica = await startApiProcess(beside);
  strict = await startApiProcess({
    ...beside,
    ORCHESTRATOR_QUOTAS_PRINCIPAL_OPEN_RUNS: String(PER_PRINCIPAL),
    ORCHESTRATOR_QUOTAS_PRINCIPAL_RUNS_PER_DAY: String(A_DAY),
    ORCHESTRATOR_AUTH_TOKENS: JSON.stringify(
      PEOPLE.map((name) => ({ name, token: tokenOf(name), role: 'owner' })),
    ),
  });
});
afterAll(async () => {
  await strict?.remove();
  await replica?.remove();
  await product?.stop();
});

const as = (name: string): ApiClient => apiClient(strict.url, tokenOf(name));
const sql = (text: string, values: unknown[] = []) => product.database.pool.query(text, values);

interface Place {
  id: string;
  /** Calls in the project, as the administrator unless somebody else is named. */
  call: (method: string, path: string, body?: unknown, api?: ApiClient) => Promise<Answer>;
}

/** A project with these settings, and a workflow `w` in it. */
async function project(settings: Partial<ProjectSettings> = {}): Promise<Place> {
  const made = await product.call('POST', '/projects', { name: `project ${++projects}` });
  const id = String(made.body.id);
  const call: Place['call'] = (method, path, body, api = product) =>
    api.call(method, path, body, { 'x-project-id': id });
  const saved = await call('POST', '/workflows', {
    tag_name: 'w',
    workflow: definition(
      'w',
      { a: transform('${{ input }}') },
      { triggers: [{ name: 'push', secret_ref: 'ours' }] },
    ),
  });
  expect(saved.status).toBe(201);
  const put = await call('PUT', `/projects/${id}/settings`, settings);
  expect([put.status, put.body]).toMatchObject([200, settings]);
  return { id, call };
}

const start = (place: Place, api?: ApiClient) => place.call('POST', '/runs', { workflow: 'w' }, api);
const startedIn = async ({ id }: Pick<Place, 'id'>): Promise<number> =>
  (await sql('SELECT FROM run WHERE project_id = $1', [id])).rowCount!;
const end = (run_id: unknown, state = 'completed') =>
  sql('UPDATE run SET state = $2, ended_at = now() WHERE id = $1', [run_id, state]);
const exceeded = (path: string) => ({
  status: 429,
  body: { code: 'quota_exceeded', errors: [{ path, message: expect.any(String) as string }] },
});

describe('the quota of a project', () => {
  it('of open runs lets in exactly as many, of fifty at once at two processes', async () => {
    const place = await project({ max_open_runs: 10 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => start(place, i % 2 ? replica : product)),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
    expect(refused).toHaveLength(40);
    for (const answer of refused) expect(answer).toMatchObject(exceeded('/project/open_runs'));
    expect(await startedIn(place)).toBe(10);
  });

  it('has room again when a run has ended', async () => {
    const place = await project({ max_open_runs: 1 });
    const first = await start(place);
    const refused = await start(place);
    expect(refused).toMatchObject(exceeded('/project/open_runs'));
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await end(first.body.id);
    expect((await start(place)).status).toBe(202);
    expect((await start(await project())).status).toBe(202);
  });

  it('by day counts what was started within 24 hours, and says when there is room', async () => {
    const place = await project({ max_runs_per_day: 2 });
    const first = await start(place);
    const second = await start(place);
    for (const { body } of [first, second]) await end(body.id);
    await sql(`UPDATE run SET created_at = now() - interval '23 hours' WHERE id = $1`, [first.body.id]);
    const refused = await start(place);
    expect(refused).toMatchObject(exceeded('/project/runs_per_day'));
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeLessThanOrEqual(3_600);
    expect(wait).toBeGreaterThan(1_800);
    await sql(`UPDATE run SET created_at = now() - interval '25 hours' WHERE id = $1`, [first.body.id]);
    expect((await start(place)).status).toBe(202);
    expect(await start(place)).toMatchObject(exceeded('/project/runs_per_day'));
  });

  it('holds for every way in which a run is asked for', async () => {
    const place = await project({ max_open_runs: 1 });
    const { call } = place;
    const failed = String((await start(place)).body.id);
    const hooks = await call('GET', '/workflows/w/hooks');
    const [hook] = (hooks.body as { items: { path: string }[] }).items;
    await end(failed, 'failed');
    await start(place);
    const ways = [
      await call('POST', `/runs/${failed}/retry`, {}),
      await call('POST', `/runs/${failed}/fork`, { from_step: 'a' }),
      await call('POST', '/runs', { workflow: 'w', executor: 'external' }),
      await call('POST', '/runs', { type: 'intent_processing', input: { intent: 'say hello' } }),
      await call('POST', '/workflows', {
        name: 'x',
        type: 'intent_processing',
        input: { intent: 'say hello' },
      }),
    ];
    for (const way of ways) expect(way).toMatchObject(exceeded('/project/open_runs'));
    const body = '{"n":1}';
    const [id, time] = [newId(), String(Math.floor(Date.now() / 1_000))];
    const signature = createHmac('sha256', SECRET).update(`${id}.${time}.${body}`).digest('base64');
    const delivered = await fetch(product.url + hook!.path, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': `v1,${signature}`,
      },
    });
    expect([delivered.status, await delivered.json()]).toMatchObject([
      429,
      exceeded('/project/open_runs').body,
    ]);
    expect(await startedIn(place)).toBe(2);
  });

  it('does not refuse a start that is answered with another run', async () => {
    const place = await project({ max_open_runs: 1 });
    const workflow = definition(
      'one',
      { a: transform(1) },
      { start_policy: { id: 'one', on_conflict: 'use_existing' } },
    );
    await place.call('POST', '/workflows', { tag_name: 'one', workflow });
    const first = await place.call('POST', '/runs', { workflow: 'one' });
    const second = await place.call('POST', '/runs', { workflow: 'one' });
    expect([first.status, second.status, second.body.id]).toEqual([202, 200, first.body.id]);
  });

  it('refused with a key is not remembered: the same request goes through once there is room', async () => {
    const place = await project({ max_open_runs: 1 });
    const first = await start(place);
    const headers = { 'x-project-id': place.id, 'idempotency-key': newId() };
    const again = () => product.call('POST', '/runs', { workflow: 'w' }, headers);
    expect((await again()).status).toBe(429);
    await end(first.body.id);
    expect((await again()).status).toBe(202);
  });
});

describe('the quota of a principal', () => {
  it('counts over all projects, and is nobody else’s', async () => {
    const places = [await project(), await project()];
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => start(places[i % 2]!, as('ada'))));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(PER_PRINCIPAL);
    for (const answer of refused) expect(answer).toMatchObject(exceeded('/principal/open_runs'));
    expect((await start(places[0]!, as('bob'))).status).toBe(202);
  });

  it('by day does not come back when runs end, and every quota that is used up is named', async () => {
    const place = await project({ max_runs_per_day: A_DAY });
    for (let i = 0; i < A_DAY; i++) {
      const { status, body } = await start(place, as('eve'));
      expect(status).toBe(202);
      await end(body.id);
    }
    const { status, body } = await start(place, as('eve'));
    expect([status, (body.errors as { path: string }[]).map(({ path }) => path)]).toEqual([
      429,
      ['/project/runs_per_day', '/principal/runs_per_day'],
    ]);
  });
});

describe('the settings of a project', () => {
  const path = `/projects/${DEFAULT_PROJECT_ID}/settings`;

  it('are nothing at first, and a whole document that is put at the version that was seen', async () => {
    const { id, call } = await project();
    const nothing = { max_open_runs: null, max_runs_per_day: null, run_retention_days: null };
    const at = `/projects/${id}/settings`;
    const put = (body: object, if_match: string) => product.call('PUT', at, body, { 'if-match': if_match });
    const first = await call('GET', at);
    expect([first.status, first.body]).toEqual([200, nothing]);
    const etag = first.headers.get('etag')!;
    const second = await put({ max_open_runs: 3, run_retention_days: 0 }, etag);
    expect(second.body).toEqual({ ...nothing, max_open_runs: 3, run_retention_days: 0 });
    expect(second.headers.get('etag')).not.toBe(etag);
    expect(await put({}, etag)).toMatchObject({ status: 412, body: { code: 'stale_if_match' } });
    expect((await call('GET', at)).body).toEqual(second.body);
    const third = await put({ max_runs_per_day: 5 }, second.headers.get('etag')!);
    expect(third.body).toEqual({ ...nothing, max_runs_per_day: 5 });
  });

  it.each([
    [{ max_open_runs: 0 }, 422],
    [{ max_runs_per_day: 1.5 }, 422],
    [{ run_retention_days: -1 }, 422],
    [{ run_retention_days: '7' }, 422],
    [{ theme: 'dark' }, 400],
  ])('%j are none', async (body, status) => {
    expect((await product.call('PUT', path, body)).status).toBe(status);
  });

  it('of a project that is not there are not there', async () => {
    expect((await product.call('GET', `/projects/${newId()}/settings`)).status).toBe(404);
    expect((await product.call('PUT', `/projects/${newId()}/settings`, {})).status).toBe(404);
  });

  it('that make no sense are refused by the database as well', async () => {
    const set = (settings: string) =>
      sql('UPDATE project SET settings = $2 WHERE id = $1', [DEFAULT_PROJECT_ID, settings]);
    for (const wrong of [
      '[]',
      '{"max_open_runs": 0}',
      '{"max_runs_per_day": -1}',
      '{"run_retention_days": -1}',
    ])
      await expect(set(wrong)).rejects.toThrow('project_settings_check');
  });

  it('are in the audit log when they are changed', async () => {
    const { id } = await project({ max_open_runs: 2 });
    const { body } = await product.call('GET', '/audit?limit=100', undefined, { 'x-project-id': id });
    const entries = (body as { items: { action: string; status: number }[] }).items;
    expect(entries.map(({ action, status }) => `${status} ${action}`)).toContain(
      '200 PUT /projects/{id}/settings',
    );
  });
});
