import { createHmac } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { webhookDeployer } from '../../src/clients/deployers/webhook.ts';
import type { DeployEnvironment } from '../../src/contract/deployer.ts';
import { artifactAt, localFetch, scratch } from './support.ts';

const SECRET = 'a-secret-of-sixteen-characters';
const root = scratch();
const deployer = webhookDeployer({ base_directory: path.join(root, 'deployed'), fetch: localFetch() });
const one = artifactAt(path.join(root, 'one'), { a: '1' });
const two = artifactAt(path.join(root, 'two'), { a: '2' });

interface Seen {
  method: string;
  id: string;
  body: Record<string, unknown>;
}
let seen: Seen[] = [];
let answers: { status: number; body: unknown }[] = [];
const server = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString();
    const id = String(request.headers['webhook-id']);
    const signed = `${id}.${String(request.headers['webhook-timestamp'])}.${text}`;
    const signature = `v1,${createHmac('sha256', SECRET).update(signed).digest('base64')}`;
    if (request.headers['webhook-signature'] !== signature) return response.writeHead(401).end();
    seen.push({
      method: request.method ?? '',
      id,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    });
    const answer = answers.shift() ?? { status: 200, body: { status: 'succeeded' } };
    response.writeHead(answer.status, { location: 'http://127.0.0.1:1/' }).end(JSON.stringify(answer.body));
  });
});
beforeAll(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
afterAll(() => new Promise((done) => (server.close(done), server.closeAllConnections())));
beforeEach(() => {
  seen = [];
  answers = [];
});

const environment = (name: string, more = {}): DeployEnvironment => ({
  name,
  settings: {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/deploy`,
    secret: SECRET,
    poll_ms: 10,
    ...more,
  },
  variables: { COLOUR: 'green' },
});

test('a signed request says what to deploy, and the answer ends it; what is live is not asked for again', async () => {
  const place = environment('a');
  expect(await deployer.deploy({ ...one, release_id: 'r1', environment: place })).toMatchObject({
    changed: true,
    evidence: { status: 'succeeded' },
  });
  expect(seen).toEqual([
    {
      method: 'POST',
      id: 'deploy:a:r1:first',
      body: {
        action: 'deploy',
        environment: 'a',
        release_id: 'r1',
        digest: one.digest,
        previous: null,
        variables: { COLOUR: 'green' },
      },
    },
  ]);
  expect(await deployer.deploy({ ...one, release_id: 'r1', environment: place })).toMatchObject({
    changed: false,
  });
  expect(seen).toHaveLength(1);
  await deployer.deploy({ ...two, release_id: 'r2', environment: place });
  expect(await deployer.rollback({ to: 'r1', environment: place })).toMatchObject({
    previous: { release_id: 'r2' },
    current: { release_id: 'r1' },
  });
  expect(seen.map(({ body }) => [body.release_id, body.previous])).toEqual([
    ['r1', null],
    ['r2', 'r1'],
    ['r1', 'r2'],
  ]);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(3);
});

test('the status URL is asked until it ends', async () => {
  answers = [
    { status: 202, body: { status: 'pending', status_url: '/status/1' } },
    { status: 200, body: { status: 'running' } },
    { status: 200, body: { status: 'succeeded', message: 'done' } },
  ];
  const outcome = await deployer.deploy({ ...one, release_id: 'r1', environment: environment('b') });
  expect(outcome.evidence).toEqual({ status: 'succeeded', message: 'done' });
  expect(seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
});

test('a failure is taken back by asking for the release before, or for nothing', async () => {
  const place = environment('c');
  answers = [{ status: 200, body: { status: 'failed', message: 'no disk' } }];
  await expect(deployer.deploy({ ...one, release_id: 'r1', environment: place })).rejects.toMatchObject({
    code: 'deploy_failed',
    evidence: { message: 'no disk' },
  });
  await deployer.deploy({ ...one, release_id: 'r1', environment: place });
  answers = [{ status: 503, body: {} }];
  await expect(deployer.deploy({ ...two, release_id: 'r2', environment: place })).rejects.toMatchObject({
    evidence: { status: 503 },
  });
  expect(seen.map(({ body }) => [body.action, body.release_id])).toEqual([
    ['deploy', 'r1'],
    ['remove', 'r1'],
    ['deploy', 'r1'],
    ['deploy', 'r2'],
    ['rollback', 'r1'],
  ]);
});

test.each([
  ['a redirect', { status: 307, body: {} }, 'answered 307'],
  [
    'a status URL elsewhere',
    { status: 202, body: { status: 'pending', status_url: 'http://127.0.0.1:1/x' } },
    'another origin',
  ],
  ['no status URL', { status: 202, body: { status: 'pending' } }, 'no status URL'],
  ['an answer of another form', { status: 200, body: { ok: true } }, 'no answer that can be read'],
])('%s is a failure', async (_what, answer, message) => {
  answers = [answer];
  await expect(
    deployer.deploy({ ...one, release_id: 'r1', environment: environment('d') }),
  ).rejects.toMatchObject({
    code: 'deploy_failed',
    message: expect.stringContaining(message) as string,
  });
});

test('a service that never ends is given up', async () => {
  await deployer.deploy({ ...one, release_id: 'r1', environment: environment('e') });
  const place = environment('e', { timeout_ms: 300 });
  answers = Array.from({ length: 2 }, () => ({ status: 202, body: { status: 'pending', status_url: '/s' } }));
  answers.push(...Array.from({ length: 200 }, () => ({ status: 200, body: { status: 'running' } })));
  const failure = await deployer
    .deploy({ ...two, release_id: 'r2', environment: place })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: expect.stringContaining('did not finish in time') as string });
});
