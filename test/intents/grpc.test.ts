import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { grpcIntents, type GrpcIntentsOptions } from '../../src/clients/intents/grpc-client.ts';
import {
  serveIntents,
  type IntentServer,
  type IntentServerOptions,
} from '../../src/clients/intents/grpc-server.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { IntentAnalysis, IntentRequest, IntentService } from '../../src/contract/intent.ts';
import { embeddedIntents } from '../../src/intents/embedded.ts';
import { WORKED_INTENTS } from '../fixtures/intents.ts';
import { CATALOGUE } from './shape.ts';

const embedded = embeddedIntents();
const { signal } = new AbortController();
const request: IntentRequest = {
  intent: 'Wait for 10 minutes.',
  context: { big: 2 ** 53 - 1 },
  catalogue: CATALOGUE,
};
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(
  service: Partial<IntentService>,
  options: Partial<IntentServerOptions> = {},
): Promise<IntentServer> {
  const server = await serveIntents({
    service: { ...embedded, ...service },
    address: 'localhost:0',
    ...options,
  });
  closers.push(() => server.stop({ grace_ms: 0 }));
  return server;
}

function connect(port: number, options: Partial<GrpcIntentsOptions> = {}) {
  const client = grpcIntents({ address: `localhost:${port}`, ...options });
  closers.push(() => client.close());
  return client;
}

/** A service that never answers, and says when it is asked and when it is told to stop. */
function hanging() {
  const asked = withResolvers<void>();
  const stopped = withResolvers<void>();
  const analyse: IntentService['analyse'] = (_request, options) => {
    asked.resolve();
    return new Promise((_resolve, reject) => {
      options.signal.addEventListener('abort', () => {
        stopped.resolve();
        reject(new Error('stopped'));
      });
    });
  };
  return { analyse, asked: asked.promise, stopped: stopped.promise };
}

test('what the engine answers comes over the wire as it was, for every worked intent', async () => {
  const client = connect((await serve({})).port);
  for (const { intent } of WORKED_INTENTS) {
    const asked = { intent, catalogue: CATALOGUE };
    const expected = await embedded.analyse(asked, { signal });
    const analysis = await client.analyse(asked, { signal });
    expect(analysis).toEqual(JSON.parse(JSON.stringify(expected)));
    expect(await client.plan(asked, analysis, { signal })).toEqual(
      await embedded.plan(asked, expected, { signal }),
    );
  }
});

test('the context arrives with its numbers', async () => {
  let seen: unknown;
  const server = await serve({
    analyse: (asked, options) => ((seen = asked), embedded.analyse(asked, options)),
  });
  await connect(server.port).analyse(request, { signal });
  expect(seen).toMatchObject({ context: { big: 9_007_199_254_740_991 } });
});

test('a request beyond the limits is refused for good, with the reason', async () => {
  const client = connect((await serve({})).port);
  await expect(client.analyse({ ...request, intent: 'x'.repeat(16_385) }, { signal })).rejects.toMatchObject({
    code: 'validation_failed',
    message: expect.stringContaining('/request/intent') as string,
  });
});

test('a service that does not answer in time is given up, and told so', async () => {
  const service = hanging();
  const client = connect((await serve(service)).port, { deadline_ms: 200 });
  await expect(client.analyse(request, { signal })).rejects.toMatchObject({
    code: 'overloaded',
    message: 'The intent service did not answer in time.',
  });
  await service.stopped;
});

test('a caller that goes away stops the work', async () => {
  const service = hanging();
  const controller = new AbortController();
  const running = connect((await serve(service)).port).analyse(request, controller);
  await service.asked;
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  await service.stopped;
});

test('a server that hangs up is a service that is away', async () => {
  const lines = createServer((socket) => {
    socket.destroy();
  });
  await new Promise<void>((resolve) => lines.listen(0, '127.0.0.1', resolve));
  closers.push(() => lines.close());
  const { port } = lines.address() as AddressInfo;
  await expect(connect(port, { max_attempts: 2 }).analyse(request, { signal })).rejects.toMatchObject({
    code: 'overloaded',
    message: 'The intent service is not available.',
  });
});

test.each<[string, AppError | Error, number, object]>([
  ['unavailable is asked again', new AppError('shutting_down'), 3, { code: 'overloaded' }],
  ['of limited rate is not', new AppError('rate_limited'), 1, { code: 'rate_limited' }],
  [
    'that refuses is not',
    new AppError('validation_failed', { detail: 'no' }),
    1,
    { code: 'validation_failed' },
  ],
  [
    'that breaks is not, and keeps its reasons',
    new Error('password in here'),
    1,
    { message: 'The intent service is not available.' },
  ],
])('a service %s', async (_name, error, attempts, expected) => {
  let calls = 0;
  const server = await serve({ analyse: () => (calls++, Promise.reject(error)) });
  await expect(connect(server.port).analyse(request, { signal })).rejects.toMatchObject(expected);
  expect(calls).toBe(attempts);
});

test('a service that was away for a moment is found again', async () => {
  let calls = 0;
  const server = await serve({
    analyse: (asked, options) =>
      ++calls < 3 ? Promise.reject(new AppError('overloaded')) : embedded.analyse(asked, options),
  });
  expect((await connect(server.port).analyse(request, { signal })).kind).toBe('wait');
});

test.each<[string, unknown]>([
  ['nothing', null],
  ['another document', { hello: 'world' }],
  ['an unknown action', { steps: [{ action: 'shell' }] }],
  ['a confidence beyond 1', { confidence: 7 }],
  ['an id that is none', { steps: [{ id: '__proto__ x' }] }],
])('an analysis that is %s is not believed', async (_name, part) => {
  const good = await embedded.analyse(request, { signal });
  const steps = (part as { steps?: object[] } | null)?.steps?.map((step) => ({ ...good.steps[0], ...step }));
  const bad =
    part === null || 'hello' in (part as object)
      ? part
      : { ...good, ...(part as object), ...(steps ? { steps } : {}) };
  const client = connect((await serve({ analyse: () => Promise.resolve(bad as IntentAnalysis) })).port);
  await expect(client.analyse(request, { signal })).rejects.toMatchObject({
    code: 'overloaded',
    message: 'The intent service answered what is no analysis.',
  });
});

test.each<[string, unknown, string]>([
  ['a definition without nodes', { definition: { schema_version: 1, name: 'x' } }, 'definition'],
  [
    'a node of an unknown type',
    { definition: { schema_version: 1, name: 'x', nodes: { a: { type: 'x', config: {} } } } },
    'definition',
  ],
  ['no questions', { questions: [] }, 'list of questions'],
  ['a question about nothing', { questions: [{ about: 'moon', question: '?' }] }, 'list of questions'],
])('a plan with %s is not believed', async (_name, plan, what) => {
  const client = connect((await serve({ plan: () => Promise.resolve(plan as never) })).port);
  const analysis = await embedded.analyse(request, { signal });
  await expect(client.plan(request, analysis, { signal })).rejects.toThrow(
    `The intent service answered what is no ${what}.`,
  );
});

test('a plan keeps the members of its definition that nobody here reads', async () => {
  const definition = {
    schema_version: 1,
    name: 'x',
    nodes: { a: { type: 'wait', config: { duration_seconds: 1 }, if: '${{ true }}' } },
    output: { n: 1 },
  };
  const client = connect((await serve({ plan: () => Promise.resolve({ definition } as never) })).port);
  expect(await client.plan(request, await embedded.analyse(request, { signal }), { signal })).toEqual({
    definition,
  });
});

test('a message above the limit is refused in both directions', async () => {
  const long = { ...request, intent: 'wait a minute '.repeat(1_000) };
  const small = connect((await serve({}, { max_message_bytes: 1_024 })).port);
  await expect(small.analyse(long, { signal })).rejects.toMatchObject({ code: 'payload_too_large' });
  const analysis = await embedded.analyse(request, { signal });
  const loud = await serve({
    analyse: () => Promise.resolve({ ...analysis, explanation: 'x'.repeat(5_000) }),
  });
  await expect(
    connect(loud.port, { max_message_bytes: 4_096 }).analyse(request, { signal }),
  ).rejects.toMatchObject({
    code: 'payload_too_large',
  });
});

test('it says whether it serves', async () => {
  const server = await serve({});
  const client = connect(server.port);
  expect(await client.isHealthy({ timeout_ms: 5_000, signal })).toBe(true);
  await server.stop({ grace_ms: 1_000 });
  expect(await client.isHealthy({ timeout_ms: 1_000, signal })).toBe(false);
});

test('a stop lets a call in flight end', async () => {
  const gate = withResolvers<void>();
  const asked = withResolvers<void>();
  const server = await serve({
    async analyse(each, options) {
      asked.resolve();
      await gate.promise;
      return embedded.analyse(each, options);
    },
  });
  const running = connect(server.port).analyse(request, { signal });
  await asked.promise;
  const stopped = server.stop({ grace_ms: 60_000 });
  gate.resolve();
  expect((await running).kind).toBe('wait');
  await stopped;
});

describe('with TLS', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'intents-tls-'));
  const [key_file, cert_file] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...made, '-keyout', key_file, '-out', cert_file, ...subject], {
    stdio: 'ignore',
  });
  const tls = { key: readFileSync(key_file, 'utf8'), cert: readFileSync(cert_file, 'utf8') };
  afterAll(() => rmSync(folder, { recursive: true }));

  test('a service with a trusted certificate is called', async () => {
    const server = await serve({}, { tls });
    const client = connect(server.port, { tls: { ca: tls.cert } });
    expect((await client.analyse(request, { signal })).kind).toBe('wait');
  });

  test.each<[string, GrpcIntentsOptions['tls']]>([
    ['that nobody vouches for', {}],
    ['when spoken to in clear', undefined],
  ])('a service is refused %s', async (_name, trust) => {
    let calls = 0;
    const server = await serve({ analyse: (...asked) => (calls++, embedded.analyse(...asked)) }, { tls });
    const client = connect(server.port, { tls: trust, max_attempts: 1, deadline_ms: 5_000 });
    await expect(client.analyse(request, { signal })).rejects.toMatchObject({ code: 'overloaded' });
    expect(calls).toBe(0);
  });
});

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
