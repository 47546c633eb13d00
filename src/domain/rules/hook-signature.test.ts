import { createHmac } from 'node:crypto';
import { isSigned } from './hook-signature.ts';

const NOW_S = 1_800_000_000;
const SECRET = 'a secret of sixteen';
const STANDARD = `whsec_${Buffer.from('another secret of sixteen').toString('base64')}`;
const BODY = Buffer.from('{"zen":"ümlaut"}');

const hmac = (key: string | Buffer, text: string | Buffer, algorithm = 'sha256') =>
  createHmac(algorithm, key).update(text);
const github = (secret = SECRET, body = BODY) => `sha256=${hmac(secret, body).digest('hex')}`;

interface Standard {
  id?: string;
  at?: number | string;
  secret?: string;
  body?: Buffer;
}
function standard({ id = 'msg_1', at = NOW_S, secret = STANDARD, body = BODY }: Standard = {}) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return `v1,${hmac(key, Buffer.concat([Buffer.from(`${id}.${at}.`), body])).digest('base64')}`;
}
const standardHeaders = (more: Record<string, string | undefined> = {}) => ({
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(NOW_S),
  'webhook-signature': standard(),
  ...more,
});

const check = (headers: Record<string, string | undefined>, secret: string, body = BODY) =>
  isSigned(
    { header: (name) => headers[name], body },
    { secret, now_ms: NOW_S * 1_000, tolerance_seconds: 300 },
  );

test.each<[string, Record<string, string | undefined>, string]>([
  ['GitHub', { 'x-hub-signature-256': github() }, SECRET],
  ['GitHub, in capitals', { 'x-hub-signature-256': `SHA256=${github().slice(7).toUpperCase()}` }, SECRET],
  [
    'GitHub, with a secret that looks like a standard one',
    { 'x-hub-signature-256': github(STANDARD) },
    STANDARD,
  ],
  ['Standard Webhooks', standardHeaders(), STANDARD],
  [
    'Standard Webhooks, with a plain secret',
    standardHeaders({ 'webhook-signature': standard({ secret: SECRET }) }),
    SECRET,
  ],
  [
    'the second of two signatures',
    standardHeaders({ 'webhook-signature': `v1,${'A'.repeat(43)}= ${standard()}` }),
    STANDARD,
  ],
  ['one beside another version', standardHeaders({ 'webhook-signature': `v1a,xyz ${standard()}` }), STANDARD],
  [
    'the oldest that is allowed',
    standardHeaders({
      'webhook-timestamp': String(NOW_S - 300),
      'webhook-signature': standard({ at: NOW_S - 300 }),
    }),
    STANDARD,
  ],
  [
    'the farthest ahead that is allowed',
    standardHeaders({
      'webhook-timestamp': String(NOW_S + 300),
      'webhook-signature': standard({ at: NOW_S + 300 }),
    }),
    STANDARD,
  ],
])('%s is a signature', (_, headers, secret) => {
  expect(check(headers, secret)).toBe(true);
});

test.each<[string, Record<string, string | undefined>, string]>([
  ['nothing', {}, SECRET],
  ['an empty one', { 'x-hub-signature-256': '' }, SECRET],
  ['one with another secret', { 'x-hub-signature-256': github('another') }, SECRET],
  ['one of another body', { 'x-hub-signature-256': github(SECRET, Buffer.from('{}')) }, SECRET],
  ['SHA-1', { 'x-hub-signature': `sha1=${hmac(SECRET, BODY, 'sha1').digest('hex')}` }, SECRET],
  [
    'SHA-1 in the place of SHA-256',
    { 'x-hub-signature-256': `sha1=${hmac(SECRET, BODY, 'sha1').digest('hex')}` },
    SECRET,
  ],
  [
    'SHA-512 by the name of SHA-256',
    { 'x-hub-signature-256': `sha256=${hmac(SECRET, BODY, 'sha512').digest('hex')}` },
    SECRET,
  ],
  ['the beginning of one', { 'x-hub-signature-256': github().slice(0, -2) }, SECRET],
  ['one without its name', { 'x-hub-signature-256': github().slice(7) }, SECRET],
  ['a digest without a key', { 'x-hub-signature-256': `sha256=${hmac('', BODY).digest('hex')}` }, SECRET],
  ['one of another secret', standardHeaders({ 'webhook-signature': standard({ secret: SECRET }) }), STANDARD],
  ['one of another id', standardHeaders({ 'webhook-id': 'msg_2' }), STANDARD],
  [
    'one without an id',
    standardHeaders({ 'webhook-id': undefined, 'webhook-signature': standard({ id: '' }) }),
    STANDARD,
  ],
  ['one of another time', standardHeaders({ 'webhook-timestamp': String(NOW_S + 1) }), STANDARD],
  ['one without a time', standardHeaders({ 'webhook-timestamp': undefined }), STANDARD],
  [
    'one whose time is no number',
    standardHeaders({ 'webhook-timestamp': 'NaN', 'webhook-signature': standard({ at: 'NaN' }) }),
    STANDARD,
  ],
  [
    'one that is too old',
    standardHeaders({
      'webhook-timestamp': String(NOW_S - 301),
      'webhook-signature': standard({ at: NOW_S - 301 }),
    }),
    STANDARD,
  ],
  [
    'one from the future',
    standardHeaders({
      'webhook-timestamp': String(NOW_S + 301),
      'webhook-signature': standard({ at: NOW_S + 301 }),
    }),
    STANDARD,
  ],
  [
    'one of an unknown version',
    standardHeaders({ 'webhook-signature': standard().replace('v1', 'v2') }),
    STANDARD,
  ],
  ['one without a version', standardHeaders({ 'webhook-signature': standard().slice(3) }), STANDARD],
  [
    'a wrong standard one beside a right GitHub one',
    { ...standardHeaders({ 'webhook-id': 'msg_2' }), 'x-hub-signature-256': github(STANDARD) },
    STANDARD,
  ],
])('%s is none', (_, headers, secret) => {
  expect(check(headers, secret)).toBe(false);
});

test('every byte of the body counts', () => {
  const signature = github();
  for (let at = 0; at < BODY.length; at++) {
    const changed = Buffer.from(BODY);
    changed[at]! ^= 1;
    expect(check({ 'x-hub-signature-256': signature }, SECRET, changed)).toBe(false);
  }
});
