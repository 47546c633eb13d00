import { createHmac, generateKeyPairSync, type KeyObject, sign as signWith } from 'node:crypto';
import { newId } from '../../../src/ids.ts';
import { type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { callAs, signIn, type Somebody, somebody } from './people.ts';

let whole: WholeApi;
let ada: Somebody;
beforeAll(async () => {
  whole = await wholeApi();
  ada = await somebody(whole);
});
afterAll(() => whole?.close());

type Json = Record<string, unknown>;
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;
const partsOf = (token: string) => {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return { header: decode(header), payload: decode(payload), signature };
};
const statusOf = async (token: string) => (await callAs(whole, token)('GET', '/auth/me')).status;

interface Jwks {
  keys: (Json & { kid: string; x: string })[];
}
const jwks = async () => (await whole.api.call('GET', '/.well-known/jwks.json')).json<Jwks>();

/** A token as ours are, but for what is changed, under a key of the forger's or with ours if none is given. */
const forged = (
  header: Json,
  payload: Json,
  sign: (text: string) => Buffer | string = () => partsOf(ada.token).signature,
): string => {
  const real = partsOf(ada.token);
  const text = `${encode({ ...real.header, ...header })}.${encode({ ...real.payload, ...payload })}`;
  const signature = sign(text);
  return `${text}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`;
};

/** Our own key, taken from the sealed box, to sign what is well signed and wrong all the same. */
async function ownSignature(header: Json, payload: Json): Promise<string> {
  const { ring } = whole.services;
  const made = await ring.sign({ user_id: ada.user_id, session_id: String(partsOf(ada.token).payload.sid) });
  expect(await statusOf(made.token)).toBe(200);
  const pair = generateKeyPairSync('ed25519');
  const kid = newId();
  const public_jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' };
  await whole.database.pool.query(
    `INSERT INTO signing_key (kid, public_jwk, sealed_private_jwk, retired_at) VALUES ($1, $2, '', now())`,
    [kid, JSON.stringify(public_jwk)],
  );
  return forged({ kid, ...header }, payload, (text) => eddsa(pair.privateKey, text));
}
const eddsa = (key: KeyObject, text: string) => signWith(null, Buffer.from(text), key);

const now_s = () => Math.floor(Date.now() / 1_000);
const stranger = generateKeyPairSync('ed25519').privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;

describe('a forged token', () => {
  it.each<[string, () => Promise<string> | string]>([
    ['without a signature', () => forged({ alg: 'none' }, {}, () => '')],
    ['with "none" written otherwise', () => forged({ alg: 'NoNe' }, {}, () => '')],
    ['with the signature cut off', () => ada.token.split('.').slice(0, 2).join('.') + '.'],
    ['with two parts', () => ada.token.split('.').slice(0, 2).join('.')],
    ['with another user', () => forged({}, { sub: newId() })],
    ['with a longer life', () => forged({}, { exp: now_s() + 1e9 })],
    ['of a stranger’s key under our name for it', () => forged({}, {}, (text) => eddsa(stranger, text))],
    [
      'of a key that it brings itself',
      () =>
        forged({ jwk: stranger.export({ format: 'jwk' }), kid: undefined }, {}, (text) =>
          eddsa(stranger, text),
        ),
    ],
    ['of a key that it says where to get', () => forged({ jku: 'https://example.org/jwks' }, {})],
    ['of an unknown key', () => forged({ kid: newId() }, {}, (text) => eddsa(stranger, text))],
    ['of a key that is a path', () => forged({ kid: '../../../../dev/null' }, {}, hmac(''))],
    ['of a key that is SQL', () => forged({ kid: "x' UNION SELECT '{}" }, {}, hmac(''))],
    ['of no key', () => forged({ kid: undefined }, {})],
    [
      'signed with our public key as if it were a shared secret',
      async () => forged({ alg: 'HS256' }, {}, hmac(JSON.stringify((await jwks()).keys[0]))),
    ],
    [
      'signed with the x of our public key as if it were a shared secret',
      async () => forged({ alg: 'HS256' }, {}, hmac(Buffer.from((await jwks()).keys[0]!.x, 'base64url'))),
    ],
    [
      'of an RSA key',
      () => forged({ alg: 'RS256' }, {}, (text) => signWith('sha256', Buffer.from(text), rsa)),
    ],
    ['with a critical extension', () => forged({ crit: ['b64'], b64: false }, {})],
  ])('%s is nobody’s', async (_what, make) => {
    expect(await statusOf(await make())).toBe(401);
  });

  function hmac(secret: string | Buffer) {
    return (text: string) => createHmac('sha256', secret).update(text).digest();
  }
});

describe('a well signed token', () => {
  it('is somebody’s', async () => {
    expect(await statusOf(await ownSignature({}, {}))).toBe(200);
  });

  it.each<[string, Json, Json]>([
    ['for another audience', {}, { aud: 'somebody-else' }],
    ['for no audience', {}, { aud: undefined }],
    ['of another issuer', {}, { iss: 'https://example.org' }],
    ['of no issuer', {}, { iss: undefined }],
    ['that is over', {}, { exp: now_s() - 60, iat: now_s() - 120 }],
    ['without an end', {}, { exp: undefined }],
    ['without a beginning', {}, { iat: undefined }],
    ['of the future', {}, { iat: now_s() + 3_600, exp: now_s() + 7_200 }],
    ['not good yet', {}, { nbf: now_s() + 3_600 }],
    ['that lives too long', {}, { iat: now_s() - 90_000, exp: now_s() + 1_000 }],
    ['of no session', {}, { sid: undefined }],
    ['of another session', {}, { sid: newId() }],
    ['of a session that is no text', {}, { sid: { $ne: null } }],
    ['of a session that is no id', {}, { sid: "' OR 1=1 --" }],
    ['of nobody', {}, { sub: undefined }],
    ['of another type', { typ: 'at+jwt' }, {}],
    ['without an id', {}, { jti: undefined }],
  ])('%s is nobody’s', async (_what, header, payload) => {
    expect(await statusOf(await ownSignature(header, payload))).toBe(401);
  });
});

describe('the keys that sign', () => {
  it('are told without what signs, and are turned while what was signed stays good', async () => {
    const before = (await jwks()).keys;
    for (const key of before) expect(key).not.toHaveProperty('d');
    const turned = await callAs(whole)('POST', '/auth/signing-keys');
    const { kid } = turned.json<{ kid: string }>();
    expect((await jwks()).keys.map((key) => key.kid)).toContain(kid);
    const fresh = await signIn(whole, ada.email);
    expect(partsOf(fresh.token).header).toEqual({ alg: 'EdDSA', typ: 'JWT', kid });
    expect([await statusOf(ada.token), await statusOf(fresh.token)]).toEqual([200, 200]);
  });

  it('are made once by however many need the first one', async () => {
    const other = await wholeApi();
    try {
      const sign = () => other.services.ring.sign({ user_id: newId(), session_id: newId() });
      const tokens = await Promise.all(Array.from({ length: 10 }, sign));
      expect(new Set(tokens.map(({ token }) => partsOf(token).header.kid)).size).toBe(1);
      const { rows } = await other.database.pool.query('SELECT FROM signing_key');
      expect(rows).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it('verify nothing any more when the secret was changed and they were forgotten', async () => {
    await whole.database.pool.query(
      `UPDATE signing_key SET retired_at = now() - interval '2 days' WHERE retired_at IS NOT NULL`,
    );
    await whole.services.ring.forget();
    const { rows } = await whole.database.pool.query('SELECT retired_at FROM signing_key');
    expect(rows).toEqual([{ retired_at: null }]);
  });
});
