import { createHmac } from 'node:crypto';
import type { JsonObject } from '../../../src/contract/json.ts';
import { newId } from '../../../src/ids.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const SECRET = 'a secret of sixteen';
const EDITOR = 'token-of-an-editor-0123456789-0123456789';
const VIEWER = 'token-of-a-viewer-0123456789-0123456789';
const ELSEWHERE = 'token-of-elsewhere-0123456789-0123456789';

interface Hook {
  id: string;
  name: string;
  path: string;
  secret_ref: string | null;
  is_ready: boolean;
}

let product: Product;

beforeAll(async () => {
  const project = newId();
  product = await startProduct({
    env: {
      ORCHESTRATOR_HOOKS_SECRETS: JSON.stringify([
        { name: 'ours', secret: SECRET },
        { name: 'theirs', secret: SECRET, projects: [project] },
      ]),
      ORCHESTRATOR_HOOKS_RATE_PER_SECOND: '1',
      ORCHESTRATOR_HOOKS_RATE_BURST: '40',
      ORCHESTRATOR_AUTH_TOKENS: JSON.stringify([
        { name: 'editor', token: EDITOR, role: 'editor' },
        { name: 'viewer', token: VIEWER, role: 'viewer' },
        { name: 'elsewhere', token: ELSEWHERE, role: 'owner', projects: [project] },
      ]),
    },
  });
  await product.database.pool.query(
    `INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')`,
    [project],
  );
});
afterAll(async () => {
  await stopSoundly(product);
});

/** Publishes a workflow that gives back its input, and answers the hooks of its triggers. */
async function hooked(name: string, triggers: JsonObject[], more: JsonObject = {}): Promise<Hook[]> {
  const nodes = { a: transform('${{ input }}') };
  await product.publish(name, definition(name, nodes, { triggers, ...more }));
  return (await product.call<{ items: Hook[] }>('GET', `/workflows/${name}/hooks`)).body.items;
}

interface Sent {
  status: number;
  body: { run_id?: string; code?: string };
  headers: Headers;
}

async function send(
  hook: Pick<Hook, 'path'>,
  body: string,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const response = await fetch(product.url + hook.path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return {
    status: response.status,
    body: (await response.json()) as Sent['body'],
    headers: response.headers,
  };
}

const github = (body: string, secret = SECRET) => ({
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
});
function standard(body: string, id: string = newId(), at = Math.floor(Date.now() / 1_000)) {
  const signature = createHmac('sha256', SECRET).update(`${id}.${at}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1,${signature}` };
}
const code = ({ status, body }: Sent) => [status, body.code];

it('a signed delivery starts a run of the live tag with the body as its input', async () => {
  const [hook] = await hooked('signed', [{ name: 'push', secret_ref: 'ours' }]);
  expect(hook).toMatchObject({
    name: 'push',
    secret_ref: 'ours',
    is_ready: true,
    path: `/api/v1/hooks/${hook!.id}`,
  });
  const body = '{ "zen": "Keep it logically awesome.",\n "n": 1.0 }';
  for (const headers of [github(body), standard(body)]) {
    const sent = await send(hook!, body, headers);
    expect(sent.status).toBe(202);
    expect(Object.keys(sent.body)).toEqual(['run_id']);
    expect(await product.ended(sent.body.run_id!)).toMatchObject({
      state: 'completed',
      requested_ref: 'signed',
      input: JSON.parse(body) as unknown,
      hook_id: hook!.id,
      created_by: `hook:${hook!.id}`,
    });
  }
});

it('without a right signature nobody gets in, whatever else they show, and is not told why', async () => {
  const [hook] = await hooked('guarded', [{ name: 'push', secret_ref: 'ours' }]);
  const old = Math.floor(Date.now() / 1_000) - 301;
  const attempts = [
    {},
    { authorization: `Bearer ${product.token}` },
    github('{}', 'another secret of sixteen'),
    github('{ }'),
    standard('{}', newId(), old),
    { ...standard('{}'), 'webhook-id': 'another' },
  ];
  const answers = [];
  for (const headers of attempts) answers.push(await send(hook!, '{}', headers as Record<string, string>));
  const told = answers.map(
    ({ status, body: { request_id: _id, ...rest } }: { status: number; body: Record<string, unknown> }) => [
      status,
      rest,
    ],
  );
  for (const answer of told) expect(answer).toEqual(told[0]);
  expect(code(answers[0]!)).toEqual([401, 'unauthenticated']);
  // What they send is not even read.
  expect(code(await send(hook!, 'no json', github('{}')))).toEqual([401, 'unauthenticated']);
  expect(code(await send(hook!, 'no json', github('no json')))).toEqual([400, 'malformed_request']);
  expect((await product.call('GET', '/runs?workflow=guarded')).body).toMatchObject({ items: [] });
});

it('without a secret it takes a token that may start runs, and is never open', async () => {
  const [hook] = await hooked('unsigned', [{ name: 'push' }]);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  expect(code(await send(hook!, '{}'))).toEqual([401, 'unauthenticated']);
  expect(code(await send(hook!, '{}', bearer('x'.repeat(40))))).toEqual([401, 'unauthenticated']);
  expect(code(await send(hook!, '{}', github('{}')))).toEqual([401, 'unauthenticated']);
  expect(code(await send(hook!, '{}', bearer(VIEWER)))).toEqual([403, 'forbidden']);
  expect(code(await send(hook!, '{}', bearer(ELSEWHERE)))).toEqual([404, 'not_found']);
  const sent = await send(hook!, '{}', bearer(EDITOR));
  expect(sent.status).toBe(202);
  expect(await product.ended(sent.body.run_id!)).toMatchObject({
    created_by: 'token:editor',
    hook_id: hook!.id,
  });
});

it('a secret that is not there, or not in this project, lets nobody in, and the list says so', async () => {
  const hooks = await hooked('unready', [
    { name: 'a', secret_ref: 'nowhere' },
    { name: 'b', secret_ref: 'theirs' },
  ]);
  expect(hooks.map(({ is_ready }) => is_ready)).toEqual([false, false]);
  for (const hook of hooks)
    expect(code(await send(hook, '{}', github('{}')))).toEqual([401, 'unauthenticated']);
});

it('an id that nobody has is 404, and one that is no id is 422', async () => {
  expect(code(await send({ path: `/api/v1/hooks/${newId()}` }, '{}', github('{}')))).toEqual([
    404,
    'not_found',
  ]);
  expect(code(await send({ path: '/api/v1/hooks/push' }, '{}', github('{}')))).toEqual([
    422,
    'validation_failed',
  ]);
});

it('the address stays the same whatever the tag does, and answers only while the live version has the trigger', async () => {
  const trigger = { name: 'push', secret_ref: 'ours' };
  const [hook] = await hooked('moving', [trigger]);
  expect(await hooked('moving', [])).toEqual([]);
  expect(code(await send(hook!, '{}', github('{}')))).toEqual([404, 'not_found']);
  await product.call('POST', '/tags/moving/undo');
  expect((await send(hook!, '{}', github('{}'))).status).toBe(202);
  await product.call('DELETE', '/tags/moving');
  expect(code(await send(hook!, '{}', github('{}')))).toEqual([404, 'not_found']);
  const again = await hooked('moving', [{ name: 'other' }, trigger]);
  expect(again.map(({ name, id }) => [name, id === hook!.id])).toEqual([
    ['other', false],
    ['push', true],
  ]);
});

it('one delivery is one run, however often and however much at once it comes', async () => {
  const [hook] = await hooked('once', [{ name: 'push', secret_ref: 'ours' }]);
  const headers = standard('{"n":1}', 'msg_1');
  const sent = await Promise.all(Array.from({ length: 20 }, () => send(hook!, '{"n":1}', headers)));
  expect(new Set(sent.map(({ body }) => body.run_id)).size).toBe(1);
  expect(sent.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 202]);
  await product.ended(sent[0]!.body.run_id!);
  const later = await send(hook!, '{"n":1}', headers);
  expect([later.status, later.body.run_id]).toEqual([200, sent[0]!.body.run_id]);
  const { body } = await product.call<{ items: unknown[] }>('GET', '/runs?workflow=once');
  expect(body.items).toHaveLength(1);
});

it.each(['x-github-delivery', 'idempotency-key'])(
  '%s is the id of a delivery too; without one each is new',
  async (name) => {
    const [first, second] = await hooked(name, [
      { name: 'a', secret_ref: 'ours' },
      { name: 'b', secret_ref: 'ours' },
    ]);
    const headers = github('{}');
    const run_of = async (hook: Hook, more = {}) =>
      (await send(hook, '{}', { ...headers, ...more })).body.run_id;
    const id = { [name]: 'one' };
    const run = await run_of(first!, id);
    expect(await run_of(first!, id)).toBe(run);
    const others = [
      await run_of(second!, id),
      await run_of(first!, { [name]: 'two' }),
      await run_of(first!),
      await run_of(first!),
    ];
    expect(new Set([run, ...others]).size).toBe(5);
  },
);

it('a delivery that was refused may come again', async () => {
  const schema = { type: 'object', required: ['n'] };
  const [hook] = await hooked('again', [{ name: 'push', secret_ref: 'ours' }], { input_schema: schema });
  expect(code(await send(hook!, '{}', standard('{}', 'msg_1')))).toEqual([422, 'input_invalid']);
  await hooked('again', [{ name: 'push', secret_ref: 'ours' }]);
  expect((await send(hook!, '{}', standard('{}', 'msg_1'))).status).toBe(202);
});

it('takes JSON only, an empty body for none, and no more than any body may have', async () => {
  const [hook] = await hooked('bodies', [{ name: 'push', secret_ref: 'ours' }]);
  const form = { ...github('a=1'), 'content-type': 'application/x-www-form-urlencoded' };
  expect(code(await send(hook!, 'a=1', form))).toEqual([415, 'unsupported_media_type']);
  const event = { ...github('[1]'), 'content-type': 'application/cloudevents+json' };
  const run_id = (await send(hook!, '[1]', event)).body.run_id!;
  expect(await product.ended(run_id)).toMatchObject({ output: { a: [1] } });
  const empty = (await send(hook!, '', github(''))).body.run_id!;
  expect(await product.ended(empty)).toMatchObject({ output: { a: {} } });
  const large = JSON.stringify('x'.repeat(product.config.limits.body_bytes));
  expect(code(await send(hook!, large, github(large)))).toEqual([413, 'payload_too_large']);
  expect(code(await send(hook!, '{}', { ...github('{}'), 'idempotency-key': 'x'.repeat(256) }))).toEqual([
    400,
    'malformed_request',
  ]);
});

it('a flood at one hook is held back, and leaves the others alone', async () => {
  const [flooded, calm] = await hooked('flooded', [
    { name: 'a', secret_ref: 'ours' },
    { name: 'b', secret_ref: 'ours' },
  ]);
  const wrong = github('{}', 'a wrong secret of sixteen');
  const sent = await Promise.all(Array.from({ length: 60 }, () => send(flooded!, '{}', wrong)));
  const held = sent.filter(({ status }) => status === 429);
  expect(held.length).toBeGreaterThan(0);
  expect(Number(held[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await send(calm!, '{}', github('{}'))).status).toBe(202);
});
