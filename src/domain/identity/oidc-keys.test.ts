import { generateKeyPair, exportJWK, type JWK } from 'jose';
import { oidcKeys } from './oidc-keys.ts';

let now_ms = 0;
let keys: JWK[] = [];
let is_away = false;
let asked = 0;
let failures = 0;
beforeEach(() => {
  now_ms = 1_000_000;
  keys = [];
  is_away = false;
  asked = 0;
  failures = 0;
});

const COOL_DOWN_MS = 10_000;
const open = () =>
  oidcKeys({
    async load() {
      asked += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (is_away) throw new Error('away');
      return keys;
    },
    cool_down_ms: COOL_DOWN_MS,
    onError: () => void (failures += 1),
    now_ms: () => now_ms,
  });
type Keys = ReturnType<typeof open>;

async function key(kid: string): Promise<JWK> {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
}
const find = async (from: Keys, kid?: string) =>
  from({ alg: 'ES256', ...(kid !== undefined && { kid }) }, { payload: '', signature: '' });
const code = (from: Keys, kid?: string) =>
  find(from, kid).then(
    () => 'found',
    (error: { code: string }) => error.code,
  );

it('asks once for whoever needs a key at the same time, and not again while it knows it', async () => {
  keys = [await key('a')];
  const from = open();
  await Promise.all(Array.from({ length: 50 }, () => find(from, 'a')));
  now_ms += 9 * 60_000;
  await find(from, 'a');
  expect(asked).toBe(1);
});

it('asks about a key that it does not know, but not all the time', async () => {
  keys = [await key('a')];
  const from = open();
  await find(from, 'a');
  keys.push(await key('b'));
  expect(await code(from, 'b')).toBe('unauthenticated');
  expect(asked).toBe(1);
  now_ms += COOL_DOWN_MS;
  expect(await code(from, 'b')).toBe('found');
  for (let i = 0; i < 100; i += 1) expect(await code(from, `invented-${i}`)).toBe('unauthenticated');
  expect(asked).toBe(2);
});

it('goes on with what it knows while the issuer is away, and says of the rest that it cannot tell', async () => {
  keys = [await key('a')];
  const from = open();
  await find(from, 'a');
  is_away = true;
  now_ms += 3_600_000;
  expect(await code(from, 'a')).toBe('found');
  await expect(find(from, 'b')).rejects.toMatchObject({
    code: 'issuer_unavailable',
    data: { retry_after_seconds: 10 },
  });
  now_ms += 4_000;
  await expect(find(from, 'b')).rejects.toMatchObject({
    code: 'issuer_unavailable',
    data: { retry_after_seconds: 6 },
  });
  expect([asked, failures]).toEqual([2, 1]);
  is_away = false;
  keys.push(await key('b'));
  now_ms += 6_000;
  expect([await code(from, 'b'), await code(from, 'c')]).toEqual(['found', 'unauthenticated']);
});

it('knows nothing at first: while the issuer is away it cannot tell', async () => {
  is_away = true;
  const from = open();
  expect(await code(from, 'a')).toBe('issuer_unavailable');
  keys = [await key('a')];
  is_away = false;
  now_ms += COOL_DOWN_MS;
  expect(await code(from, 'a')).toBe('found');
});

it('forgets a key that the issuer has no more', async () => {
  keys = [await key('a'), await key('b')];
  const from = open();
  await find(from, 'a');
  keys.shift();
  now_ms += 600_000;
  expect([await code(from, 'a'), await code(from, 'b')]).toEqual(['unauthenticated', 'found']);
});

it('takes a token without the id of a key where there is but one', async () => {
  keys = [await key('a')];
  const from = open();
  expect(await code(from)).toBe('found');
  keys.push(await key('b'));
  now_ms += 600_000;
  expect(await code(from)).toBe('unauthenticated');
});

it.each<[string, Partial<JWK>]>([
  ['encrypts', { use: 'enc' }],
  ['is for another algorithm', { alg: 'ES384' }],
  ['may not verify', { key_ops: ['sign'] }],
  ['is broken', { x: '!', y: '' }],
  ['is another one’s', { kid: 'b' }],
])('a key that %s is no key', async (_what, change) => {
  keys = [{ ...(await key('a')), ...change }];
  expect(await code(open(), 'a')).toBe('unauthenticated');
});
