import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { devEnvironment } from '../../../src/dev/environment.ts';
import { temporalCli } from '../../../src/dev/temporal-cli.ts';
import { definition, transform } from '../../support/definitions.ts';
import { testTemporal } from '../../support/stack.ts';
import { startTriggered, type Triggered } from '../triggers/triggered.ts';
import { rawOf } from './raw.ts';

const KEY = 'a-key-for-what-temporal-keeps-0123456789';
const UI = 'https://temporal.example.net';
const CANARY = 'canary-of-the-input';
const WEAK = 'a-token-that-may-much-but-not-all-01234';
const TOKENS = JSON.stringify([{ name: 'weak', token: WEAK, role: 'owner' }]);

let sealed: Triggered;
let plain: Triggered;
let payload: JsonPayload;
let run_id: string;

interface JsonPayload {
  metadata: Record<string, string>;
  data: string;
}

beforeAll(async () => {
  plain = await startTriggered({ worker: false });
  sealed = await startTriggered({
    env: {
      ORCHESTRATOR_TEMPORAL_CODEC_KEY: KEY,
      ORCHESTRATOR_TEMPORAL_CODEC_ORIGINS: UI,
      ORCHESTRATOR_AUTH_TOKENS: TOKENS,
    },
  });
  const { product, client } = sealed;
  await product.publish('shown', definition('shown', { a: transform('${{ input.text }}') }));
  const { id } = await product.start('shown', { text: CANARY });
  await product.ended(id);
  run_id = id;
  payload = await inputOf(client, id);
});
afterAll(async () => {
  await sealed?.stop();
  await plain?.stop();
});

/** The input of an execution as the JSON of protobuf has it, which is what Temporal's HTTP API and Web UI read. */
async function inputOf(client: Client, id: string): Promise<JsonPayload> {
  const { events } = await rawOf(client, id);
  const [found] = events[0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
  const metadata = Object.entries(found!.metadata!).map(([name, bytes]) => [name, base64(bytes)]);
  return { metadata: Object.fromEntries(metadata) as Record<string, string>, data: base64(found!.data!) };
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const text = (base: string | undefined) => Buffer.from(base ?? '', 'base64').toString();

interface Asked {
  on?: Triggered;
  way?: 'decode' | 'encode';
  headers?: Record<string, string>;
  token?: string;
}

/** As Temporal Web UI asks. */
async function ask(payloads: unknown, { on = sealed, way = 'decode', headers = {}, token }: Asked = {}) {
  const { url, token: own } = on.product;
  const response = await fetch(`${url}/api/v1/codec/${way}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-namespace': 'default',
      authorization: `Bearer ${token ?? own}`,
      ...headers,
    },
    body: JSON.stringify({ payloads }),
  });
  const body = (await response.json()) as { payloads: JsonPayload[]; errors: unknown[]; code: string };
  return { status: response.status, headers: response.headers, body };
}

test('what Temporal has of a run is given in clear text, in order', async () => {
  expect(text(payload.metadata.encoding)).toBe('binary/encrypted');
  expect(text(payload.data)).not.toContain(CANARY);
  const { status, headers, body } = await ask([payload, payload]);
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
  expect(body.payloads).toHaveLength(2);
  for (const shown of body.payloads) {
    expect(text(shown.metadata.encoding)).toBe('json/plain');
    expect(JSON.stringify(JSON.parse(text(shown.data)))).toContain(CANARY);
  }
});

describe('the temporal program', () => {
  /** What it says of the run, with these further arguments. */
  async function shown(...more: string[]): Promise<string> {
    const { temporal_cli_path: cli_path, cache_dir } = devEnvironment();
    const program = await temporalCli({ cli_path, cache_dir, log: () => undefined });
    const args = ['workflow', 'show', '--workflow-id', run_id, '--output', 'json'];
    const { stdout } = await promisify(execFile)(program, [...args, '--address', testTemporal(), ...more]);
    // It shows the bytes of a payload in base64.
    return stdout.replaceAll(
      /"(data|encoding)": "([^"]*)"/g,
      (_, name, base: string) => `${name}: ${text(base)}`,
    );
  }

  test('shows a run in clear text with the endpoint and a token, and no content without', async () => {
    const { url, token } = sealed.product;
    const endpoint = ['--codec-endpoint', `${url}/api/v1/codec`, '--codec-auth', `Bearer ${token}`];
    const clear = await shown(...endpoint);
    expect([clear.includes(CANARY), clear.includes('binary/encrypted')]).toEqual([true, false]);
    const without = await shown();
    expect([without.includes(CANARY), without.includes('binary/encrypted')]).toEqual([false, true]);
  });
});

test('what was typed in is encrypted as the product does it, and comes back', async () => {
  const typed = { metadata: { encoding: base64('json/plain') }, data: base64('{"text":"typed"}') };
  const { body } = await ask([typed], { way: 'encode' });
  const [encrypted] = body.payloads;
  expect(encrypted!.metadata['encryption-key-id']).toBe(payload.metadata['encryption-key-id']);
  expect(text(encrypted!.data)).not.toContain('typed');
  expect((await ask([encrypted])).body.payloads).toEqual([typed]);
});

test('what is not encrypted by us comes back as it came, members that we do not know included', async () => {
  const foreign = [
    { metadata: { encoding: base64('json/plain') }, data: base64('"open"') },
    { metadata: { encoding: base64('binary/encrypted') }, data: base64('of another codec') },
    { metadata: { encoding: 'anNvbi9wbGFpbg' }, data: '_-8', externalPayloads: [{ sizeBytes: '1' }] },
    { metadata: { encoding: base64('binary/null') } },
    {},
  ];
  const { status, body } = await ask(foreign);
  expect([status, body.payloads]).toEqual([200, foreign]);
  expect((await ask([])).body.payloads).toEqual([]);
});

test('as much as Temporal takes in one payload is decoded', async () => {
  const large = { metadata: { encoding: base64('json/plain') }, data: base64(`"${'x'.repeat(2_000_000)}"`) };
  const { body } = await ask([large], { way: 'encode' });
  expect((await ask(body.payloads)).body.payloads).toEqual([large]);
});

test('what was changed, cut off or encrypted with another key is refused, each by its place', async () => {
  const bytes = Buffer.from(payload.data, 'base64');
  bytes[20]! ^= 1;
  const unknown = { ...payload.metadata, 'encryption-key-id': base64('0123456789abcdef') };
  const { status, body } = await ask([
    payload,
    { ...payload, data: bytes.toString('base64') },
    { ...payload, data: base64('short') },
    { ...payload, metadata: unknown },
  ]);
  expect([status, body.code]).toEqual([422, 'validation_failed']);
  expect(body.errors).toMatchObject([
    { path: '/payloads/1', message: expect.stringContaining('not what was encrypted') as unknown },
    { path: '/payloads/2' },
    { path: '/payloads/3', message: expect.stringContaining('temporal.codec_previous_keys') as unknown },
  ]);
  expect(JSON.stringify(body)).not.toContain(CANARY);
});

test.each<[string, unknown, string]>([
  ['bytes that are not base64', [{ data: '§' }], '/payloads/0/data'],
  ['metadata that is not base64', [{ metadata: { encoding: 'a b' } }], '/payloads/0/metadata/encoding'],
  ['a payload that is text', ['x'], '/payloads/0'],
  ['payloads that are no list', {}, '/payloads'],
])('%s: the answer says where', async (_what, payloads, path) => {
  const { status, body } = await ask(payloads);
  expect([status, body.errors]).toMatchObject([422, [{ path }]]);
});

test('it is for who administers the installation: it opens every project', async () => {
  const weak = await ask([payload], { token: WEAK });
  expect([weak.status, weak.body.code]).toEqual([403, 'forbidden']);
  const nobody = await ask([payload], { token: 'nobodys-token' });
  expect([nobody.status, nobody.body.code]).toEqual([401, 'unauthenticated']);
});

test('without a codec key there is nothing to ask', async () => {
  for (const way of ['decode', 'encode'] as const) {
    const { status, body } = await ask([payload], { on: plain, way });
    expect([status, body.code]).toEqual([404, 'not_found']);
  }
});

describe('a page of another origin', () => {
  const preflight = (origin: string, path = '/codec/decode', method = 'POST') =>
    fetch(`${sealed.product.url}/api/v1${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,x-namespace',
      },
    });
  const corsOf = (headers: Headers) =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

  test('may ask when it is that of Temporal Web UI', async () => {
    const { status, headers } = await preflight(UI);
    expect(status).toBe(204);
    expect(corsOf(headers)).toEqual({
      'access-control-allow-origin': UI,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, authorization-extras, content-type, x-namespace',
      'access-control-max-age': '600',
    });
    const asked = await ask([payload], { headers: { origin: UI } });
    expect([asked.status, corsOf(asked.headers), asked.headers.get('vary')]).toEqual([
      200,
      { 'access-control-allow-origin': UI },
      'Origin',
    ]);
  });

  test('is told what was wrong, too', async () => {
    const refused = await ask([payload], { headers: { origin: UI }, token: 'nobodys-token' });
    expect([refused.status, corsOf(refused.headers)]).toEqual([401, { 'access-control-allow-origin': UI }]);
  });

  test.each(['https://elsewhere.example.net', 'null', `${UI}.evil.example`, UI.toUpperCase()])(
    'is told nothing when it is %s',
    async (origin) => {
      expect(corsOf((await preflight(origin)).headers)).toEqual({});
      expect(corsOf((await ask([payload], { headers: { origin } })).headers)).toEqual({});
    },
  );

  test('may call nothing else', async () => {
    for (const [path, method] of [
      ['/runs', 'POST'],
      ['/codec/decode', 'DELETE'],
      ['/runs', 'GET'],
    ] as const)
      expect(corsOf((await preflight(UI, path, method)).headers)).toEqual({});
    const runs = await fetch(`${sealed.product.url}/api/v1/runs`, { headers: { origin: UI } });
    expect(corsOf(runs.headers)).toEqual({});
  });
});
