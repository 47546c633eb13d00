import { createHmac, createPublicKey, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { newId } from '../../../src/ids.ts';
import type { AuditBody } from '../../support/audit.ts';
import { AUDIENCE, oidcIssuer, type OidcIssuer, signingKey } from '../../support/oidc-issuer.ts';
import { definitionOf } from '../../support/store.ts';
import { type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { callAs, somebody } from './people.ts';

const PROJECT = '00000000-0000-7000-8000-000000000001';
const SETTINGS = {
  ORCHESTRATOR_AUTH_OIDC_AUDIENCE: `${AUDIENCE},another-client`,
  ORCHESTRATOR_AUTH_OIDC_ROLES_CLAIM: 'realm_access.roles',
  ORCHESTRATOR_AUTH_OIDC_KEYS_COOL_DOWN_SECONDS: '0',
};

let issuer: OidcIssuer;
/** Makes users of whoever comes. */
let open: WholeApi;
let opened: WholeApi[] = [];

async function apiWith(more: Record<string, string>): Promise<WholeApi> {
  const settings = { ...SETTINGS, ORCHESTRATOR_AUTH_OIDC_ISSUER: issuer.url, ...more };
  const api = await wholeApi({ settings });
  opened.push(api);
  return api;
}

beforeAll(async () => {
  issuer = await oidcIssuer();
  const mapping = [
    { value: 'devs', project: PROJECT, role: 'editor' },
    { value: 'leads', project: PROJECT, role: 'maintainer' },
    { value: 'devs', project: newId(), role: 'owner' },
  ];
  open = await apiWith({
    ORCHESTRATOR_AUTH_OIDC_CREATE_USERS: 'true',
    ORCHESTRATOR_AUTH_OIDC_ROLE_MAPPING: JSON.stringify(mapping),
  });
});
beforeEach(() => {
  issuer.is_away = false;
  issuer.discovery = {};
  issuer.strange_keys = [];
});
afterAll(async () => {
  for (const api of opened) await api.close();
  await issuer?.close();
  opened = [];
});

interface Me {
  principal: string;
  user: { id: string; email: string; name: string };
  permissions: string[];
  projects: { id: string; role: string }[];
}

const me = async (token: string, on = open) => callAs(on, token)('GET', '/auth/me');
const statusOf = async (token: string, on = open) => (await me(token, on)).status;
const whoIs = async (token: string, on = open): Promise<Me> => {
  const answer = await me(token, on);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return answer.json<Me>();
};
let people = 0;
/** A subject that nobody has seen yet. */
const stranger = () => `stranger-${++people}`;
const usersOf = async (on: WholeApi): Promise<number> => {
  const { rows } = await on.database.pool.query<{ count: string }>('SELECT count(*) FROM app_user');
  return Number(rows[0]!.count);
};

describe('a token of the issuer', () => {
  it('is of the same user every time, who is a member of no project', async () => {
    const sub = stranger();
    const first = await whoIs(
      await issuer.token({ sub, name: 'Ada', email: 'ada@id.example', email_verified: true }),
    );
    expect(first).toMatchObject({
      principal: `user:${first.user.id}`,
      user: { email: 'ada@id.example', name: 'Ada' },
      permissions: [],
      projects: [],
    });
    const later = await whoIs(await issuer.token({ sub, exp: now_s() + 600, name: 'Ada Lovelace' }));
    expect(later.user).toEqual(first.user);
    expect((await callAs(open, await issuer.token({ sub }))('GET', '/runs')).status).toBe(404);
  });

  it('is of one user, however many come with it at once', async () => {
    const sub = stranger();
    const before = await usersOf(open);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        issuer.token({ sub, jti: String(i), email: 'many@id.example', email_verified: true }),
      ),
    );
    const found = await Promise.all(tokens.map((token) => whoIs(token)));
    expect(new Set(found.map(({ user }) => user.id)).size).toBe(1);
    expect(await usersOf(open)).toBe(before + 1);
  });

  it('gives the highest role that its claims are mapped to, where there is such a project', async () => {
    const roles = async (...names: string[]) =>
      (await whoIs(await issuer.token({ sub: stranger(), realm_access: { roles: names } }))).projects;
    expect(await roles('devs')).toEqual([{ id: PROJECT, role: 'editor' }]);
    expect(await roles('leads', 'devs')).toEqual([{ id: PROJECT, role: 'maintainer' }]);
    expect(await roles('others')).toEqual([]);
  });

  it('gives no right of the installation, whatever it claims', async () => {
    const token = await issuer.token({
      sub: stranger(),
      permissions: ['installation:administer'],
      role: 'owner',
    });
    expect((await whoIs(token)).permissions).toEqual([]);
    expect((await callAs(open, token)('GET', '/users')).status).toBe(403);
  });

  it.each<[string, Record<string, unknown>]>([
    ['not verified', { email: 'eve@id.example', email_verified: false }],
    ['verified by a word', { email: 'eve@id.example', email_verified: 'true' }],
    ['said to be verified by nobody', { email: 'eve@id.example' }],
    ['no email', { email: 'eve', email_verified: true }],
    ['no text', { email: { $ne: null }, email_verified: true }],
  ])('does not bring an email that is %s', async (_what, claims) => {
    const { user } = await whoIs(await issuer.token({ sub: stranger(), ...claims }));
    expect(user.email).toBe(`${user.id}@users.invalid`);
  });

  it('may be an access token, be for several, and be signed with each of the algorithms', async () => {
    expect(await statusOf(await issuer.token({ sub: stranger() }, { typ: 'at+jwt' }))).toBe(200);
    expect(await statusOf(await issuer.token({ sub: stranger(), aud: ['x', 'another-client'] }))).toBe(200);
    for (const alg of ['RS256', 'PS256', 'EdDSA']) {
      const key = await signingKey(alg);
      issuer.keys.push(key);
      expect([alg, await statusOf(await issuer.token({ sub: stranger() }, {}, key))]).toEqual([alg, 200]);
    }
  });

  it('leaves entries in the audit log that say who it was, from the first sight on', async () => {
    const { call, id } = await member(stranger());
    const body = { tag_name: 'of-a-token', workflow: definitionOf(1) };
    expect((await call('POST', '/workflows', body)).status).toBe(201);
    const entries = async (scope: string) => {
      const answer = await callAs(open)('GET', `/audit?principal=user:${id}${scope}`);
      return answer.json<{ items: AuditBody[] }>().items;
    };
    const [written] = await entries('');
    expect(written).toMatchObject({ action: 'POST /workflows', status: 201 });
    const { rows } = await open.database.pool.query<{ id: string }>(
      'SELECT id FROM user_identity WHERE user_id = $1',
      [id],
    );
    expect(written!.credential).toBe(`identity:${rows[0]!.id}`);
    expect(await entries('&scope=installation')).toMatchObject([
      { action: 'OIDC user made', target: `/users/${id}`, credential: written!.credential },
    ]);
  });

  it('is of nobody any more once its user is disabled', async () => {
    const { id, token } = await member(stranger());
    expect(await statusOf(token)).toBe(200);
    expect((await callAs(open)('PATCH', `/users/${id}`, { status: 'disabled' })).status).toBe(200);
    expect(await statusOf(token)).toBe(401);
    expect((await callAs(open)('PATCH', `/users/${id}`, { status: 'active' })).status).toBe(200);
    expect(await statusOf(token)).toBe(200);
  });

  it('makes API keys for its user, and is no session', async () => {
    const { call } = await member(stranger());
    const made = await call('POST', '/auth/api-keys', { name: 'ci' });
    expect(made.status).toBe(201);
    expect(await statusOf(made.json<{ key: string }>().key)).toBe(200);
    expect((await call('POST', '/auth/logout')).status).toBe(409);
    const passwords = { current_password: 'x', new_password: 'a new long password' };
    expect((await call('PUT', '/auth/password', passwords)).status).toBe(422);
  });
});

/** Somebody with a token of the issuer who is an editor. */
async function member(sub: string) {
  const token = await issuer.token({ sub, realm_access: { roles: ['devs'] } });
  const { user } = await whoIs(token);
  return { token, id: user.id, call: callAs(open, token) };
}

const now_s = () => Math.floor(Date.now() / 1_000);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Signed by hand, so that nothing keeps anybody from a bad token. */
function byHand(header: object, claims: object, sign: (text: string) => Buffer): string {
  const usual = { iss: issuer.url, aud: AUDIENCE, sub: 'forger', iat: now_s(), exp: now_s() + 300 };
  const text = `${encode({ alg: 'ES256', kid: issuer.keys[0]!.kid, typ: 'JWT', ...header })}.${encode({ ...usual, ...claims })}`;
  return `${text}.${sign(text).toString('base64url')}`;
}
const hmac = (secret: string | Buffer) => (text: string) =>
  createHmac('sha256', secret).update(text).digest();
const nothing = () => Buffer.alloc(0);
const forger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ofForger = (text: string) =>
  signWith('sha256', Buffer.from(text), { key: forger.privateKey, dsaEncoding: 'ieee-p1363' });
const pem = () => {
  const key = createPublicKey({ key: issuer.keys[0]!.public_jwk as never, format: 'jwk' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
};

describe('a forged token', () => {
  it.each<[string, () => Promise<string> | string]>([
    ['without a signature', () => byHand({ alg: 'none' }, {}, nothing)],
    ['with "none" written otherwise', () => byHand({ alg: 'NONE' }, {}, nothing)],
    ['with an empty signature', () => byHand({}, {}, nothing)],
    [
      'signed with the public key as if it were a shared secret',
      () => byHand({ alg: 'HS256' }, {}, hmac(pem())),
    ],
    [
      'signed with the JWK as if it were a shared secret',
      () => byHand({ alg: 'HS256' }, {}, hmac(JSON.stringify(issuer.keys[0]!.public_jwk))),
    ],
    ['of a stranger’s key under a known name', () => byHand({}, {}, ofForger)],
    ['of a key that nobody knows', () => byHand({ kid: newId() }, {}, ofForger)],
    ['of a key that is a path', () => byHand({ alg: 'HS256', kid: '../../../../dev/null' }, {}, hmac(''))],
    ['of a key that is a path, rightly signed', () => byHand({ kid: '../../../../dev/null' }, {}, ofForger)],
    ['of a key that is an address', () => byHand({ kid: `${issuer.url}/keys` }, {}, ofForger)],
    ['of a key whose name is no text', () => byHand({ kid: { $ne: '' } }, {}, ofForger)],
    ['of a key called __proto__', () => byHand({ kid: '__proto__' }, {}, ofForger)],
    [
      'of a key that it brings itself',
      () => byHand({ kid: undefined, jwk: forger.publicKey.export({ format: 'jwk' }) }, {}, ofForger),
    ],
    ['of a key that it says where to get', () => byHand({ jku: 'https://example.org/jwks' }, {}, ofForger)],
    ['with a critical extension', () => byHand({ crit: ['x'], x: 1 }, {}, ofForger)],
    ['of our own key under the name of the issuer', ofOurOwnKey],
  ])('%s is nobody’s', async (_what, make) => {
    const token = await make();
    const before = await usersOf(open);
    expect(await statusOf(token)).toBe(401);
    expect(await usersOf(open)).toBe(before);
  });

  /** What we sign is good with us only as what it is. */
  async function ofOurOwnKey() {
    const ada = await somebody(open);
    const [header, payload, signature] = ada.token.split('.');
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object;
    return `${header}.${encode({ ...claims, iss: issuer.url, aud: AUDIENCE })}.${signature}`;
  }

  it('of the issuer’s key under our own name is nobody’s', async () => {
    const { user } = await whoIs(await issuer.token({ sub: stranger() }));
    const claims = { iss: 'orchestrator', aud: 'orchestrator', sub: user.id, sid: newId(), jti: newId() };
    expect(await statusOf(await issuer.token(claims))).toBe(401);
  });

  it('of another issuer’s key with the same name is nobody’s', async () => {
    const other = await oidcIssuer();
    try {
      const same = { ...other.keys[0]!, kid: issuer.keys[0]!.kid };
      expect(await statusOf(await other.token({ iss: issuer.url }, {}, same))).toBe(401);
      expect(await statusOf(await other.token())).toBe(401);
      expect(await statusOf(await issuer.token({ iss: other.url }))).toBe(401);
      expect(other.asked()).toBe(0);
    } finally {
      await other.close();
    }
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['for another audience', { aud: 'somebody-else' }, {}],
    ['for no audience', { aud: undefined }, {}],
    ['for an audience of nobody', { aud: [] }, {}],
    ['for our own audience', { aud: 'orchestrator' }, {}],
    ['of no issuer', { iss: undefined }, {}],
    ['of nearly the issuer', { iss: 'SLASH' }, {}],
    ['that is over', { exp: now_s() - 60 }, {}],
    ['without an end', { exp: undefined }, {}],
    ['whose end is text', { exp: 'never' }, {}],
    ['not good yet', { nbf: now_s() + 3_600 }, {}],
    ['of nobody', { sub: undefined }, {}],
    ['of an empty subject', { sub: '' }, {}],
    ['of a subject that is no text', { sub: { $ne: null } }, {}],
    ['of a subject with a NUL in it', { sub: 'a\u0000b' }, {}],
    ['of a subject that is too long', { sub: 'x'.repeat(256) }, {}],
    ['that signs out', {}, { typ: 'logout+jwt' }],
  ])('%s is nobody’s, although it is well signed', async (_what, claims, header) => {
    const before = await usersOf(open);
    const iss = claims.iss === 'SLASH' ? { iss: `${issuer.url}/` } : {};
    expect(await statusOf(await issuer.token({ sub: stranger(), ...claims, ...iss }, header))).toBe(401);
    expect(await usersOf(open)).toBe(before);
  });

  it('signed with an algorithm that is not taken is nobody’s', async () => {
    const key = await signingKey('ES384');
    issuer.keys.push(key);
    expect(await statusOf(await issuer.token({ sub: stranger() }, {}, key))).toBe(401);
  });

  it('signed with a shared secret that the issuer shows among its keys is nobody’s', async () => {
    issuer.strange_keys = [
      { kty: 'oct', kid: 'shared', alg: 'HS256', k: encode('secret') },
      null,
      'x',
      { kty: 'RSA' },
    ];
    const token = byHand(
      { alg: 'HS256', kid: 'shared' },
      {},
      hmac(Buffer.from(encode('secret'), 'base64url')),
    );
    expect(await statusOf(token)).toBe(401);
  });

  it('signed with a key that is too short is nobody’s', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    issuer.strange_keys = [
      { ...pair.publicKey.export({ format: 'jwk' }), kid: 'short', alg: 'RS256', use: 'sig' },
    ];
    const short = (text: string) => signWith('sha256', Buffer.from(text), pair.privateKey);
    expect(await statusOf(byHand({ alg: 'RS256', kid: 'short' }, {}, short))).toBe(401);
  });
});

describe('the keys of the issuer', () => {
  it('are turned without anybody noticing', async () => {
    const [old] = issuer.keys;
    const before = await issuer.token({ sub: stranger() });
    expect(await statusOf(before)).toBe(200);
    issuer.keys.unshift(await signingKey());
    expect(await statusOf(await issuer.token({ sub: stranger() }))).toBe(200);
    expect(await statusOf(await issuer.token({ sub: stranger() }, {}, old))).toBe(200);
  });

  it('go on working while the issuer is away; what needs another one is to try again', async () => {
    const sub = stranger();
    expect(await statusOf(await issuer.token({ sub }))).toBe(200);
    const fresh = await signingKey();
    const token = await issuer.token({ sub }, {}, fresh);
    issuer.is_away = true;
    expect(await statusOf(await issuer.token({ sub, jti: newId() }))).toBe(200);
    const answer = await me(token);
    expect([answer.status, answer.json().code, answer.headers.get('retry-after')]).toEqual([
      503,
      'issuer_unavailable',
      '1',
    ]);
    issuer.is_away = false;
    issuer.keys.push(fresh);
    expect(await statusOf(token)).toBe(200);
  });

  it.each<[string, () => void]>([
    ['of another issuer', () => (issuer.discovery = { issuer: 'https://example.org' })],
    ['without keys', () => (issuer.discovery = { jwks_uri: undefined })],
    ['whose keys are not there', () => (issuer.discovery = { jwks_uri: `${issuer.url}/nowhere/keys.json` })],
    [
      'whose keys are at a private place',
      () => (issuer.discovery = { jwks_uri: 'http://169.254.169.254/keys' }),
    ],
    ['whose keys are in a file', () => (issuer.discovery = { jwks_uri: 'file:///etc/passwd' })],
  ])('are not taken from a discovery document %s', async (_what, change) => {
    const key = await signingKey();
    issuer.keys.push(key);
    change();
    expect(await statusOf(await issuer.token({ sub: stranger() }, {}, key))).toBe(503);
    issuer.discovery = {};
    expect(await statusOf(await issuer.token({ sub: stranger() }, {}, key))).toBe(200);
  });

  it('are asked for once in a while, whatever tokens say', async () => {
    const calm = await apiWith({ ORCHESTRATOR_AUTH_OIDC_KEYS_COOL_DOWN_SECONDS: '3600' });
    const before = issuer.asked();
    const tokens = Array.from({ length: 50 }, () => byHand({ kid: newId() }, {}, ofForger));
    for (const token of tokens) expect(await statusOf(token, calm)).toBe(401);
    expect(issuer.asked()).toBe(before + 1);
  });
});

describe('a user with the same email', () => {
  const owner = (on: WholeApi) => somebody(on, { project_id: PROJECT, role: 'owner' });

  it('is not taken over: the token is nobody’s, and nothing is made', async () => {
    const ada = await owner(open);
    const before = await usersOf(open);
    for (const email of [ada.email, ada.email.toUpperCase()]) {
      const answer = await me(await issuer.token({ sub: stranger(), email, email_verified: true }));
      expect(answer.status).toBe(401);
      expect(answer.json().detail).toContain('not linked');
    }
    expect(await usersOf(open)).toBe(before);
    expect(
      (await open.database.pool.query('SELECT FROM user_identity WHERE user_id = $1', [ada.user_id]))
        .rowCount,
    ).toBe(0);
  });

  it('does not keep out who has it unverified, nor is touched by them', async () => {
    const ada = await owner(open);
    const { user, projects } = await whoIs(await issuer.token({ sub: stranger(), email: ada.email }));
    expect(user.id).not.toBe(ada.user_id);
    expect(projects).toEqual([]);
  });

  describe('where linking is switched on', () => {
    let linking: WholeApi;
    beforeAll(async () => {
      linking = await apiWith({ ORCHESTRATOR_AUTH_OIDC_LINK_BY_EMAIL: 'true' });
    });
    const shows = async (claims: Record<string, unknown>) =>
      me(await issuer.token({ sub: stranger(), ...claims }), linking);

    it('is whoever has it verified, for good, and the log says so', async () => {
      const ada = await owner(linking);
      const sub = stranger();
      const token = await issuer.token({ sub, email: ada.email, email_verified: true });
      expect((await whoIs(token, linking)).user.id).toBe(ada.user_id);
      expect((await whoIs(await issuer.token({ sub, exp: now_s() + 500 }), linking)).user.id).toBe(
        ada.user_id,
      );
      const answer = await callAs(linking)('GET', `/audit?scope=installation&principal=user:${ada.user_id}`);
      const { items } = answer.json<{ items: AuditBody[] }>();
      expect(items.map(({ action }) => action)).toContain('OIDC user linked');
      // The old address of somebody, given to somebody else.
      expect((await shows({ email: ada.email, email_verified: true })).status).toBe(401);
    });

    it.each<[string, (email: string) => Record<string, unknown>]>([
      ['has it unverified', (email) => ({ email })],
      ['has another one', () => ({ email: 'nobody@id.example', email_verified: true })],
      ['has none', () => ({})],
      ['has that of the administrator', () => ({ email: 'admin@localhost', email_verified: true })],
    ])('is not who %s', async (_what, claims) => {
      const ada = await owner(linking);
      const before = await usersOf(linking);
      expect((await shows(claims(ada.email))).status).toBe(401);
      expect(await usersOf(linking)).toBe(before);
    });

    it('is not who has that of a disabled user', async () => {
      const ada = await owner(linking);
      await callAs(linking)('PATCH', `/users/${ada.user_id}`, { status: 'disabled' });
      expect((await shows({ email: ada.email, email_verified: true })).status).toBe(401);
    });
  });
});

test('where nobody is made, who is not known is nobody, and is told so', async () => {
  const strict = await apiWith({});
  const before = await usersOf(strict);
  const answer = await me(
    await issuer.token({ sub: stranger(), email: 'new@id.example', email_verified: true }),
    strict,
  );
  expect([answer.status, await usersOf(strict)]).toEqual([401, before]);
  expect(answer.json().detail).toContain('issuer knows this caller');
});

test('where no issuer is set, its tokens are nobody’s', async () => {
  const plain = await wholeApi();
  opened.push(plain);
  expect(await statusOf(await issuer.token(), plain)).toBe(401);
});

test('people who signed in here, API keys and tokens of the configuration go on as before', async () => {
  const ada = await somebody(open);
  expect(await statusOf(ada.token)).toBe(200);
  const made = await ada.call('POST', '/auth/api-keys', { name: 'ci' });
  expect(await statusOf(made.json<{ key: string }>().key)).toBe(200);
  expect((await callAs(open)('GET', '/users')).status).toBe(200);
});
