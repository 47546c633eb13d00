import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { createGuardedFetch } from './guarded-fetch.ts';

/** One DER element: tag, length, content. */
function der(tag: number, ...content: Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  const length = bytes.length < 128 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}
const sequence = (...content: Uint8Array[]) => der(0x30, ...content);
const oid = (...bytes: number[]) => der(0x06, Buffer.from(bytes));

/** A certificate for `host` that its own key signed, as PEM. */
function certificate(host: string, keys: { publicKey: KeyObject; privateKey: KeyObject }): string {
  const ed25519 = sequence(oid(0x2b, 0x65, 0x70));
  const name = sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(host)))));
  const validity = sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z')));
  const alternative = sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(der(0x82, Buffer.from(host)))));
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const public_key = keys.publicKey.export({ type: 'spki', format: 'der' });
  const body = sequence(
    version,
    der(0x02, Buffer.from([1])),
    ed25519,
    name,
    validity,
    name,
    public_key,
    der(0xa3, sequence(alternative)),
  );
  const signature = der(0x03, Buffer.from([0]), sign(null, body, keys.privateKey));
  const base64 = sequence(body, ed25519, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

const keys = generateKeyPairSync('ed25519');
const cert = certificate('secure.example', keys);
const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
let requests = 0;
const server = https.createServer(
  { cert, key },
  (_request, response) => (requests++, response.end('secure')),
);

beforeAll(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
afterAll(() => new Promise((done) => (server.close(done), server.closeAllConnections())));
beforeEach(() => (requests = 0));

async function call(host: string, options: { ca?: string; allow?: string[] }) {
  const fetch = createGuardedFetch({
    allow: ['127.0.0.1'],
    resolve: () => Promise.resolve(['127.0.0.1']),
    timeout_ms: 5_000,
    ...options,
  });
  const url = `https://${host}:${(server.address() as AddressInfo).port}/`;
  try {
    return await fetch({ method: 'GET', url }, { signal: new AbortController().signal });
  } finally {
    await fetch.close();
  }
}

test('a server is trusted by its certificate for the name that was called, not the address', async () => {
  expect((await call('secure.example', { ca: cert })).status).toBe(200);
});

test('a certificate for another name is refused', async () => {
  await expect(call('other.example', { ca: cert })).rejects.toMatchObject({
    code: 'tls_failed',
    message: 'No trusted TLS connection to other.example could be made.',
  });
  expect(requests).toBe(0);
});

test('a certificate that nobody vouches for is refused', async () => {
  await expect(call('secure.example', {})).rejects.toMatchObject({ code: 'tls_failed' });
  expect(requests).toBe(0);
});

test('the environment cannot turn the check off', async () => {
  // In a process of its own, since Node reads the real environment and a test has a copy.
  const script = `
    const { createGuardedFetch } = await import(${JSON.stringify(new URL('./guarded-fetch.ts', import.meta.url).href)});
    const fetch = createGuardedFetch({ allow: ['127.0.0.1'] });
    const request = { method: 'GET', url: 'https://127.0.0.1:${(server.address() as AddressInfo).port}/' };
    console.log(await fetch(request, { signal: AbortSignal.timeout(5000) }).then((r) => r.status, (e) => e.code));
    await fetch.close();`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { cwd: import.meta.dirname, env: { PATH: process.env.PATH, NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
  );
  expect([stdout.trim(), requests]).toEqual(['tls_failed', 0]);
});

test('TLS does not get around the list', async () => {
  await expect(call('secure.example', { ca: cert, allow: [] })).rejects.toMatchObject({
    code: 'egress_refused',
  });
});
