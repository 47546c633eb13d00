import { loadConfig } from './config.ts';

const ISSUER = 'https://id.example.org';
const load = (env: Record<string, string>) =>
  loadConfig(
    Object.fromEntries(Object.entries(env).map(([name, value]) => [`ORCHESTRATOR_AUTH_${name}`, value])),
    '/nowhere',
  ).auth.oidc;
const PROJECT = '00000000-0000-7000-8000-00000000000A';
const mapping = (entry: object) => ({
  OIDC_ROLES_CLAIM: 'groups',
  OIDC_ROLE_MAPPING: JSON.stringify([entry]),
});

it('is off, and once on makes and links nobody', () => {
  expect(load({}).issuer).toBeUndefined();
  expect(load({ OIDC_ISSUER: ISSUER, OIDC_AUDIENCE: 'a, b' })).toMatchObject({
    issuer: ISSUER,
    audience: ['a', 'b'],
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    create_users: false,
    link_by_email: false,
    role_mapping: [],
  });
});

it.each([
  ['http://id.example.org', 1],
  ['https://id.example.org', 0],
  ['http://127.0.0.1:8080', 0],
  ['http://localhost:8080', 0],
])('%s is worth %i warnings', (issuer, count) => {
  const env = { ORCHESTRATOR_AUTH_OIDC_ISSUER: issuer, ORCHESTRATOR_AUTH_OIDC_AUDIENCE: 'a' };
  expect(loadConfig(env, '/nowhere').warnings).toHaveLength(count);
});

it('takes a mapping of roles', () => {
  const entry = { value: 'devs', project: PROJECT, role: 'editor' };
  expect(load(mapping(entry)).role_mapping).toEqual([{ ...entry, project: PROJECT.toLowerCase() }]);
});

it.each<[string, Record<string, string>, string]>([
  ['an issuer without an audience', { OIDC_ISSUER: ISSUER }, 'audience'],
  ['an issuer with a query', { OIDC_ISSUER: `${ISSUER}?a=b`, OIDC_AUDIENCE: 'a' }, 'query'],
  [
    'an issuer with a password',
    { OIDC_ISSUER: 'https://u:p@id.example.org', OIDC_AUDIENCE: 'a' },
    'password',
  ],
  ['our own issuer', { ISSUER, OIDC_ISSUER: ISSUER, OIDC_AUDIENCE: 'a' }, 'our own'],
  ['a shared secret', { OIDC_ALGORITHMS: 'HS256' }, 'must be of RS256'],
  ['no signature', { OIDC_ALGORITHMS: 'none' }, 'must be of RS256'],
  ['no algorithm', { OIDC_ALGORITHMS: ',' }, 'must name one'],
  [
    'a mapping without a claim',
    { OIDC_ROLE_MAPPING: mapping({ value: 'a', project: PROJECT, role: 'viewer' }).OIDC_ROLE_MAPPING },
    'roles_claim',
  ],
  ['a role that there is not', mapping({ value: 'a', project: PROJECT, role: 'admin' }), 'must be one of'],
  ['a project that is no id', mapping({ value: 'a', project: 'shop', role: 'viewer' }), 'id of a project'],
  ['a mapping that is no JSON', { OIDC_ROLES_CLAIM: 'a', OIDC_ROLE_MAPPING: '{' }, 'must be a list'],
])('%s is refused', (_what, env, message) => {
  expect(() => load(env)).toThrow(message);
});
