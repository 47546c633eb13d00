import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../../src/contract/json.ts';
import { sealedBox } from '../../../src/domain/sealed-box.ts';
import { AMPLE, definition } from '../../support/definitions.ts';
import { readSocket, readSse } from '../../support/event-readers.ts';
import { startProduct, type Product } from '../../support/product.ts';
import type { RunBody } from '../../support/api-client.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { webApplication, type WebApplication } from '../../support/web-application.ts';
import { allRows, foundIn, historyText, needlesOf, watchCommandLines } from './traces-of.ts';

const PROJECT = '00000000-0000-7000-8000-000000000001';
const CANARY = 'cAnArY-7f3a/+&="quoted" ümlaut-end';
const KEY = 'first-line-cAnArY\nsecond-line-cAnArY\n';
const JSON_KEY = '{"user": "u", "password": "cAnArY-in-json-91c4"}';
const NEEDLES = [...needlesOf(CANARY), 'first-line-cAnArY', 'cAnArY-in-json-91c4', 'second-line-cAnArY'];

let product: Product;
let server: Server;
let app: WebApplication;
const log: string[] = [];
/** What the server was sent: it is the one who is to know. */
const received: string[] = [];
const runs: string[] = [];

beforeAll(async () => {
  app = webApplication();
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8');
      const token = String(request.headers['x-token'] ?? '');
      received.push(token, body);
      const large = request.url?.includes('large') ? 'x'.repeat(40_000) : '';
      response.statusCode = request.url?.includes('fail') ? 500 : 200;
      response.setHeader('content-type', 'application/json');
      response.setHeader('x-echo', encodeURIComponent(token));
      const basic = Buffer.from(`user:${body || token}`).toString('base64');
      response.end(JSON.stringify({ url: request.url, token, body, basic, [token]: large }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  product = await startProduct({
    code: true,
    env: {
      ORCHESTRATOR_SECRETS_KEY: 'a-key-of-at-least-32-characters-1',
      ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: '127.0.0.1',
      ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: app.root,
    },
    onLog: (line) => log.push(line),
  });
  await keep('CANARY', CANARY);
  await keep('KEY', KEY);
  await keep('JSON', JSON_KEY);
});
afterAll(async () => {
  await stopSoundly(product);
  app.remove();
  server.close();
});

async function keep(name: string, value: string) {
  const { status } = await product.call('PUT', `/projects/${PROJECT}/secrets/${name}`, { value });
  expect([200, 201]).toContain(status);
}

async function outcome(name: string, nodes: Record<string, JsonObject>, input: unknown = {}) {
  await product.publish(name, definition(name, nodes));
  return followed((await product.start(name, input)).id);
}

async function followed(id: string): Promise<RunBody> {
  runs.push(id);
  return product.ended(id);
}

const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
const http = (path: string, config: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  type: 'http',
  config: { url: url(path), ...config },
  ...more,
});
/** A header has ASCII only. */
const token = (config: JsonObject = {}) => ({ headers: { 'x-token': '${{ secrets.ASCII }}' }, ...config });
const code = (
  language: string,
  source: string,
  config: JsonObject = {},
  more: JsonObject = {},
): JsonObject => ({
  type: 'code',
  config: { language, source, limits: AMPLE, env: { TOKEN: '${{ secrets.CANARY }}' }, ...config },
  ...more,
});
const outputs = async (id: string) =>
  Object.fromEntries((await product.steps(id)).map(({ node, output }) => [node, output as JsonObject]));

test('http nodes send it, and have *** where it comes back', async () => {
  await keep('ASCII', 'cAnArY-7f3a/+&="quoted"');
  const run = await outcome('canary-http', {
    header: http('/header', token()),
    query: http('/query', token({ query: { q: '${{ secrets.CANARY }}' } })),
    body: http('/body', { method: 'POST', body: { a: ['${{ secrets.CANARY }}'] } }),
    text: http('/text', { method: 'POST', body: 'the ${{ secrets.CANARY }}' }),
    large: http('/large', token({ method: 'POST', body: '${{ secrets.CANARY }}' })),
    items: {
      type: 'map',
      config: {
        items: [1, 2],
        node: http('/item', { method: 'POST', body: '${{ item }} ${{ secrets.CANARY }}' }),
      },
    },
    after: {
      type: 'transform',
      needs: ['text'],
      config: { value: '${{ steps.text.output.body.body }}' },
    },
  });
  expect(run).toMatchObject({ state: 'completed' });
  expect(received).toContain('cAnArY-7f3a/+&="quoted"');
  expect(received).toContain(`the ${CANARY}`);
  expect(received).toContain(`2 ${CANARY}`);
  const { header, after, large } = await outputs(run.id);
  expect(header).toMatchObject({ headers: { 'x-echo': '***' }, body: { token: '***' } });
  expect(after).toBe('the ***');
  expect(large).toMatchObject({ body: null, body_ref: expect.stringMatching(/^sha256:/) as string });
});

test('programs have it in their environment and on standard input, and *** in all that they print', async () => {
  const run = await outcome('canary-code', {
    bash: code(
      'bash',
      [
        'echo "out $TOKEN"; echo "err $TOKEN" >&2; printf %s "$TOKEN" | base64; printf "user:%s" "$TOKEN" | base64 -w0; echo',
        // In pieces, in time too: what is shown of a program comes as it prints.
        'half=$((${#TOKEN} / 2)); printf %s "${TOKEN:0:$half}"; sleep 0.3; printf %s "${TOKEN:$half}"; sleep 0.3; echo',
        'cat',
      ].join('\n'),
      { stdin: '${{ secrets.KEY }}' },
    ),
    python: code(
      'python',
      'import json, os, sys, urllib.parse\nt = os.environ["TOKEN"]\nprint(json.dumps({"t": t, "u": urllib.parse.quote(t, safe=""), t: sys.stdin.read()}))',
      { stdin: '${{ secrets.CANARY }}' },
    ),
    flood: code('bash', 'for i in $(seq 1 4000); do echo "$i $TOKEN"; done', {
      limits: { ...AMPLE, output_bytes: 1024 },
    }),
    files: code('bash', 'mkdir -p out && echo "in a file: $TOKEN" > out/a.txt'),
    parsed: code(
      'bash',
      'echo "$PASSWORD"',
      { env: { PASSWORD: '${{ parse_json(secrets.JSON).password }}' } },
      { continue_on_error: true },
    ),
    items: {
      type: 'map',
      config: {
        items: ['a', 'b'],
        node: code('bash', 'echo "$ITEM $TOKEN"', {
          env: { ITEM: '${{ item }}', TOKEN: '${{ secrets.CANARY }}' },
        }),
      },
    },
  });
  const { bash, python, flood } = await outputs(run.id);
  expect((bash!.stdout as string).split('\n').slice(0, 4)).toEqual([
    'out ***',
    '***',
    expect.stringContaining('***'),
    '***',
  ]);
  expect(bash!.stderr).toBe('err ***\n');
  expect(python!.result).toEqual({ t: '***', u: '***', '***': '***' });
  expect(flood).toMatchObject({ truncated: true });
  const lines = (await product.events(run.id)).filter(({ type }) => type === 'step.log');
  expect(lines.map(({ data }) => data.text).join('')).toContain('out ***\n');
});

test('steps that fail do not tell it, when they are tried again and taken up anew either', async () => {
  const retry = { max_attempts: 2, initial_interval_ms: 1 };
  const run = await outcome('canary-failing', {
    status: http('/fail', token({ method: 'POST', body: '${{ secrets.CANARY }}' }), {
      retry,
      continue_on_error: true,
    }),
    address: http('', { url: '${{ secrets.CANARY }}' }, { continue_on_error: true }),
    host: http('', { url: 'http://${{ secrets.ASCII }}.invalid/' }, { continue_on_error: true }),
    expression: http('/', token({ query: { q: '${{ int(secrets.CANARY) }}' } }), { continue_on_error: true }),
    timeout: code(
      'bash',
      'echo "before $TOKEN"; sleep 60',
      {},
      { timeout_seconds: 2, continue_on_error: true },
    ),
    exit: code('bash', 'echo "$TOKEN"; exit 3', {}, { needs: ['status'], retry }),
  });
  expect(run).toMatchObject({ state: 'failed', error: { step: 'exit' } });
  for (const how of ['retry', 'fork']) {
    const { status, body } = await product.call<RunBody>(
      'POST',
      `/runs/${run.id}/${how}`,
      how === 'fork' ? { from_step: 'exit' } : undefined,
    );
    expect([how, status, body]).toMatchObject([how, 202, {}]);
    expect(await followed(body.id)).toMatchObject({ state: 'failed' });
  }
  const { exit, status } = await outputs(run.id);
  expect(exit).toMatchObject({ stdout: '***\n' });
  expect(status).toMatchObject({ status: 500, body: { body: '***' } });
});

test('a secret that is not there fails the step by name, and is not tried again', async () => {
  const run = await outcome('canary-missing', {
    a: http(
      '/',
      { headers: { 'x-token': '${{ secrets.NOT_THERE }}' } },
      { retry: { max_attempts: 5, initial_interval_ms: 1 } },
    ),
  });
  expect(run).toMatchObject({
    state: 'failed',
    error: { step: 'a', code: 'secret_not_found', message: 'The project has no secret NOT_THERE.' },
  });
  expect((await product.steps(run.id)).map(({ attempt }) => attempt)).toEqual([1]);
});

test('a step whose secret no key opens waits until it can be read', async () => {
  await keep('LOCKED', 'first');
  const other = sealedBox(['another-key-of-at-least-32-characters'], 'secrets');
  await product.database.pool.query(`UPDATE project_secret SET sealed = $1 WHERE name = 'LOCKED'`, [
    other.seal('first', `${PROJECT}|LOCKED|1`),
  ]);
  await product.publish(
    'locked',
    definition('locked', { a: http('/locked', { method: 'POST', body: '${{ secrets.LOCKED }}' }) }),
  );
  const { id } = await product.start('locked');
  runs.push(id);
  await product.until(id, ({ state }) => state === 'running');
  expect(await product.call('GET', '/health')).toBeDefined();
  await keep('LOCKED', 'second');
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
  expect(received).toContain('second');
  expect(received).not.toContain('first');
});

test('commands of a deployment do not tell it', async () => {
  const echo = 'echo "token $TOKEN"; printf %s "$TOKEN" | base64 -w0; echo; echo "$TOKEN" >&2';
  const put = await product.call('PUT', `/projects/${PROJECT}/environments/told`, {
    deployer: 'command',
    settings: { deploy: ['/bin/sh', '-c', echo], remove: ['/bin/sh', '-c', echo] },
    secrets: { TOKEN: 'CANARY' },
    checks: [{ type: 'command', argv: ['/bin/sh', '-c', `${echo}; exit 1`] }],
  });
  expect([put.status, put.body]).toMatchObject([201, {}]);
  const begun = await product.call<{ id: string }>('POST', '/runs', {
    type: 'deployment',
    input: { kind: 'application', repository: app.directory, environment: 'told' },
  });
  const run = await followed(begun.body.id);
  expect(run).toMatchObject({ state: 'failed' });
  const text = JSON.stringify([await product.steps(run.id), await product.events(run.id)]);
  expect(text).toContain('token ***');
}, 300_000);

describe('when all of that is over, it', () => {
  const look = (where: string, text: string) =>
    expect([where, text.length > 0, foundIn(text, NEEDLES)]).toEqual([where, true, []]);

  test('is in no table, sealed as it is', async () => {
    const dump = await allRows(product.database.pool);
    expect([...dump.keys()]).toEqual(
      expect.arrayContaining(['public.project_secret', 'public.cas_blob', 'public.step']),
    );
    expect(dump.get('public.project_secret')).toContain('v1.');
    expect(dump.get('public.step')).toContain('***');
    for (const [table, text] of dump) expect([table, foundIn(text, NEEDLES)]).toEqual([table, []]);
  });

  test('is in no history of Temporal', async () => {
    for (const id of runs) look(id, await historyText(id));
    expect(await historyText(runs[0]!)).toContain('***');
  });

  test('is in nothing that the API says of the runs', async () => {
    for (const id of runs)
      for (const part of ['', '/steps', '/events', '/logs', '/snapshot'])
        look(`${id}${part}`, JSON.stringify((await product.call('GET', `/runs/${id}${part}`)).body));
    for (const id of runs.slice(0, 3)) {
      const count = (await product.events(id)).length;
      look('SSE', JSON.stringify(await readSse(product, `/runs/${id}/events/stream`, undefined, count)));
      look('WebSocket', JSON.stringify(await readSocket(product, `/runs/${id}`, undefined, count)));
    }
  });

  test('is in no line of the log', () => look('log', `begin ${log.join('\n')}`));
});

test('no command line has it while programs run with it', async () => {
  const stop = watchCommandLines(NEEDLES);
  const seen = watchCommandLines(['sleep 0.7']);
  const run = await outcome('canary-ps', {
    a: code('bash', 'for i in 1 2 3; do echo "$TOKEN"; sleep 0.7; done'),
    b: code('python', 'import os, time\ntime.sleep(1)\nprint(os.environ["TOKEN"])'),
  });
  expect(run).toMatchObject({ state: 'completed' });
  expect(stop()).toMatchObject({ hits: [] });
  // The look-out sees what programs of the sandbox are started with.
  expect(seen().hits.length).toBeGreaterThan(0);
});
