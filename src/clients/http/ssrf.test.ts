/** Ways to a server that must not be called, tried against one that counts: a single connection is a failure. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import type { AppError } from '../../contract/errors.ts';
import { LOOPBACK_FORMS } from '../../../test/support/ssrf-forms.ts';
import { createGuardedFetch } from './guarded-fetch.ts';
import type { ResolveHost } from './guarded-connector.ts';

let connections = 0;
const canary = http.createServer((_request, response) => response.end('canary'));
canary.on('connection', () => connections++);
/** Where `open` sends its caller. */
const sending = (to: string, status = 302) =>
  `${openOrigin}/?${new URLSearchParams({ to, status: String(status) }).toString()}`;
/** A server that may be called, and sends its caller to the path it is given. */
const open = http.createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://x');
  response
    .writeHead(Number(searchParams.get('status') ?? 302), { location: searchParams.get('to') ?? '' })
    .end();
});
let port = 0;
let openOrigin = '';
const fetches: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  // Without a host it listens on every address of the machine, IPv4 and IPv6.
  await new Promise<void>((done) => canary.listen(0, done));
  await new Promise<void>((done) => open.listen(0, '127.0.0.1', done));
  port = (canary.address() as AddressInfo).port;
  openOrigin = `http://127.0.0.1:${(open.address() as AddressInfo).port}`;
});
beforeEach(() => (connections = 0));
afterEach(async () => {
  await Promise.all(fetches.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  for (const server of [canary, open])
    await new Promise((done) => (server.close(done), server.closeAllConnections()));
});

function client(allow: string[], resolve?: ResolveHost) {
  const fetch = createGuardedFetch({ allow, resolve, timeout_ms: 5_000 });
  fetches.push(fetch);
  return (url: string) => fetch({ method: 'GET', url }, { signal: new AbortController().signal });
}

async function refusalOf(call: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await call.then(
    (answer) => new Error(`It was answered: ${JSON.stringify(answer)}`),
    (e: unknown) => e,
  );
  return { code: (error as AppError).code ?? 'none', message: (error as Error).message };
}

test.each(LOOPBACK_FORMS)('%j does not arrive', async (form) => {
  expect(await refusalOf(client([])(form.replace('PORT', String(port))))).toMatchObject({
    code: 'egress_refused',
  });
  expect(connections).toBe(0);
});

test.each(LOOPBACK_FORMS)('%j would arrive if loopback were allowed', async (form) => {
  const answer = await client(['127.0.0.0/8', '::1', '0.0.0.0', '::'])(form.replace('PORT', String(port)));
  expect(Buffer.from(answer.body).toString()).toBe('canary');
  expect(connections).toBe(1);
});

/** No machine of the test's: refused by the rule, before any packet could leave. */
const ELSEWHERE_FORMS = [
  'http://169.254.169.254/latest/meta-data/',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://0251.0376.0251.0376/',
  'http://169.254.43518/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::ffff:a9fe:a9fe]/',
  'http://[::a9fe:a9fe]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[64:ff9b:1::7f00:1]/',
  'http://[2002:7f00:1::1]/',
  'http://[2001:0:7f00:1::]/',
  'http://[fd00:ec2::254]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://[::127.0.0.1]/',
  'http://[::ffff:0:127.0.0.1]/',
  'http://168.63.129.16/',
  'http://100.100.100.200/',
  'http://10.0.0.1/',
  'http://192.168.0.1/',
  'http://172.31.0.1/',
  'http://100.64.0.1/',
  'http://192.0.0.192/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'https://127.0.0.1/',
  'http://user:password@public.example/',
  'http://public.example:80@127.0.0.1/',
  'http://@@127.0.0.1/',
  'file:///etc/passwd',
  'FILE:///etc/passwd',
  'gopher://127.0.0.1:70/_GET',
  'ftp://127.0.0.1/',
  'data:text/plain,canary',
  'dict://127.0.0.1:11211/stat',
  'ldap://127.0.0.1/',
  'unix:/var/run/docker.sock',
  'jar:http://127.0.0.1!/',
  'javascript:alert(1)',
  'blob:http://127.0.0.1/1',
  'ws://127.0.0.1/',
];

test.each(ELSEWHERE_FORMS)('%s is refused', async (url) => {
  // Were a name resolved that should not be, it would be the canary's address.
  const refusal = await refusalOf(client([], () => Promise.resolve(['127.0.0.1']))(url));
  expect(refusal.code).toBe('egress_refused');
});

test.each([
  '//127.0.0.1/',
  '/etc/passwd',
  '',
  'http://',
  'http://[::1%25lo]/',
  'http://127.0.0.1.1/',
  'http://256.0.0.1/',
  'http://a b/',
])('%j is no URL that could be called', async (url) =>
  expect((await refusalOf(client(['127.0.0.1'])(url))).code).toBe('request_invalid'),
);

test('however loopback is written in numbers, it does not arrive', async () => {
  const call = client([]);
  const written = (n: number) =>
    fc.constantFrom(String(n), `0x${n.toString(16)}`, `0${n.toString(8)}`, `0x000${n.toString(16)}`);
  const host = fc.oneof(
    fc
      .tuple(written(127), fc.integer({ min: 0, max: 0xffffff }).chain(written))
      .map((parts) => parts.join('.')),
    fc.integer({ min: 0x7f000000, max: 0x7fffffff }).chain(written),
    fc.tuple(written(127), written(0), written(0), written(1)).map((parts) => parts.join('.')),
  );
  await fc.assert(
    fc.asyncProperty(
      host,
      async (name) => (await refusalOf(call(`http://${name}:${port}/`))).code === 'egress_refused',
    ),
  );
  expect(connections).toBe(0);
});

describe('a name', () => {
  const answers = [
    ['127.0.0.1'],
    ['::1'],
    ['0.0.0.0'],
    ['::ffff:127.0.0.1'],
    ['93.184.216.34', '127.0.0.1'],
    ['127.0.0.1', '93.184.216.34'],
    ['not an address'],
    ['10.0.0.1', 'fe80::1'],
  ];

  test.each(answers)('that stands for %s %s is refused', async (...addresses) => {
    const found = addresses.filter((one): one is string => typeof one === 'string');
    const { code, message } = await refusalOf(
      client([], () => Promise.resolve(found))(`http://name.example:${port}/`),
    );
    expect({ code, message }).toEqual({
      code: 'egress_refused',
      message: 'The host name.example may not be called.',
    });
    expect(connections).toBe(0);
  });

  test('on the list may stand for loopback, not for the metadata service', async () => {
    expect(
      (await client(['name.example'], () => Promise.resolve(['127.0.0.1']))(`http://name.example:${port}/`))
        .status,
    ).toBe(200);
    const refusal = await refusalOf(
      client(['name.example'], () => Promise.resolve(['169.254.169.254']))('http://name.example/'),
    );
    expect(refusal.code).toBe('egress_refused');
  });

  test('is resolved once per connection, and a later answer is judged again', async () => {
    const asked: string[] = [];
    // The first answer is allowed; the canary listens on the second as well, which is not.
    const call = client([`127.0.0.1:${port}`], (host) => {
      asked.push(host);
      return Promise.resolve([asked.length === 1 ? '127.0.0.1' : '127.0.0.2']);
    });
    expect((await call(`http://rebind.example:${port}/`)).status).toBe(200);
    expect(asked).toEqual(['rebind.example']);
    await new Promise(setImmediate);
    // The pooled connection goes where it was judged to go, so it needs no second look.
    expect((await call(`http://rebind.example:${port}/`)).status).toBe(200);
    expect([asked.length, connections]).toEqual([1, 1]);
    canary.closeAllConnections();
    const refusal = await refusalOf(retryUntilReconnect(() => call(`http://rebind.example:${port}/`)));
    expect(refusal.code).toBe('egress_refused');
    expect([asked.length, connections]).toEqual([2, 1]);
  });
});

/** A closed keep-alive connection may be noticed only by the request that uses it. */
async function retryUntilReconnect<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if ((error as AppError).code === 'egress_refused') throw error;
    return call();
  }
}

describe('a redirect from a server that may be called', () => {
  const call = (url: string) =>
    client([openOrigin.slice('http://'.length)], () => Promise.resolve(['127.0.0.1']))(url);

  const TARGETS = [
    'http://127.0.0.1:PORT/',
    '//127.0.0.1:PORT/',
    'http://2130706433:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::1]:PORT/',
    'http://internal.example:PORT/',
    'http://169.254.169.254/',
    'http://user:pw@127.0.0.1:PORT/',
    'file:///etc/passwd',
    'gopher://127.0.0.1:PORT/',
    'https://127.0.0.1:PORT/',
  ];

  test.each(TARGETS.flatMap((to) => [301, 307].map((status) => [to, status] as const)))(
    'to %s by %i is refused',
    async (to, status) => {
      const { code } = await refusalOf(call(sending(to.replace('PORT', String(port)), status)));
      expect(code).toBe('egress_refused');
      expect(connections).toBe(0);
    },
  );

  test('is refused after a hop that was allowed', async () => {
    const { code } = await refusalOf(call(sending(sending(`http://127.0.0.1:${port}/`))));
    expect(code).toBe('egress_refused');
    expect(connections).toBe(0);
  });

  test('would arrive if the target were allowed', async () => {
    const both = client(['127.0.0.1']);
    const { body } = await both(sending(`http://127.0.0.1:${port}/`));
    expect([Buffer.from(body).toString(), connections]).toEqual(['canary', 1]);
  });
});

test('settings for a proxy in the environment are not read', async () => {
  process.env.HTTP_PROXY = process.env.http_proxy = `http://127.0.0.1:${port}`;
  try {
    const answer = await client([openOrigin.slice('http://'.length)])(`${openOrigin}/?status=200`);
    expect([answer.status, connections]).toEqual([200, 0]);
  } finally {
    delete process.env.HTTP_PROXY;
    delete process.env.http_proxy;
  }
});
