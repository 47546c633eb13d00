import { hash } from 'node:crypto';
import { type Principal, principalIdOf } from '../../contract/principal.ts';
import type { Allowance } from '../../domain/allowance.ts';
import type { ApiKeyService } from '../../domain/identity/api-keys.ts';
import type { SessionService, SignedIn } from '../../domain/identity/sessions.ts';
import type { TokenRing } from '../../domain/identity/token-ring.ts';
import type { UserService } from '../../domain/identity/users.ts';
import { agePlaceAt, agePlaceOf, pageOf } from '../cursor.ts';
import { actedAs } from '../middleware/audit.ts';
import { rateLimiter } from '../middleware/rate-limit.ts';
import { route, type Route } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import {
  apiKeyView,
  createdApiKeyView,
  idParams,
  jwksView,
  listQuery,
  loginBody,
  logoutBody,
  meView,
  newApiKeyBody,
  passwordBody,
  refreshBody,
  rotatedView,
  signedInView,
} from '../schemas/identity.ts';

export interface AuthDeps {
  sessions: SessionService;
  api_keys: ApiKeyService;
  users: UserService;
  ring: TokenRing;
  /** Of passwords, for each address of a mailbox. */
  guesses: Allowance;
}

const group = 'ide';

/** Who somebody is: signing in and out, API keys, and the public keys that tokens are checked with. */
export const authRoutes = (deps: AuthDeps): Route[] => [
  ...sessionRoutes(deps),
  ...selfRoutes(deps),
  ...apiKeyRoutes(deps),
  ...keyRoutes(deps),
];

/** Answers with a token in them are not kept for a second request. */
const TOLD_ONCE = { idempotent: false, secret_body: true } as const;
const NO_STORE = { 'Cache-Control': 'no-store' };
const signedIn = (body: SignedIn) => ({ status: 200, body, headers: NO_STORE });

function sessionRoutes({ sessions, guesses: allowance }: AuthDeps): Route[] {
  const guesses = rateLimiter(allowance);
  const responses = {
    200: { description: 'A token, and what gets the next one.', schema: signedInView },
    401: { description: 'Nobody is known by that.' },
  };
  const common = {
    method: 'post',
    group,
    installation: true,
    public: true,
    role: 'viewer',
    ...TOLD_ONCE,
    responses,
  } as const;
  return [
    route({
      ...common,
      path: '/auth/login',
      summary: 'Sign in.',
      body: loginBody,
      async handler({ body, res }) {
        // What is typed there may be anything, and is kept for a while.
        guesses.take(hash('sha256', body.email.toLowerCase(), 'base64url'), res);
        const signed = await sessions.login(body.email, body.password);
        actedAs(res, { principal: principalIdOf(signed.user_id) });
        return signedIn(signed);
      },
    }),
    route({
      ...common,
      path: '/auth/refresh',
      summary: 'The next token, for the refresh token of the last one.',
      body: refreshBody,
      async handler({ body, res }) {
        const signed = await sessions.refresh(body.refresh_token);
        actedAs(res, { principal: principalIdOf(signed.user_id) });
        return signedIn(signed);
      },
    }),
    route({
      method: 'post',
      path: '/auth/logout',
      group,
      installation: true,
      role: 'viewer',
      idempotent: false,
      summary: 'End this session, or all of them.',
      body: logoutBody,
      responses: { 204: { description: 'Signed out.' } },
      async handler({ body, principal }) {
        await sessions.logout(principal, body.everywhere);
        return { status: 204 };
      },
    }),
  ];
}

function selfRoutes({ sessions, users }: AuthDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/auth/me',
      group,
      installation: true,
      summary: 'Who the token says that you are, and what you may do.',
      responses: { 200: { description: 'You.', schema: meView } },
      handler: async ({ principal }) => ({ status: 200, body: await selfOf(principal, users) }),
    }),
    route({
      method: 'put',
      path: '/auth/password',
      group,
      installation: true,
      role: 'viewer',
      ...TOLD_ONCE,
      summary: 'Change your password; your other sessions end.',
      body: passwordBody,
      responses: { 204: { description: 'Changed.' } },
      async handler({ body, principal }) {
        await sessions.changePassword(principal, body.current_password, body.new_password);
        return { status: 204 };
      },
    }),
  ];
}

async function selfOf(principal: Principal, users: UserService) {
  const { id, user_id, role, permissions = [], projects, roles = {} } = principal;
  const user = user_id === undefined ? null : await users.get(user_id);
  const those = projects?.map((project) => ({ id: project, role: roles[project] ?? role })) ?? null;
  return {
    principal: id,
    user: user && { id: user.id, email: user.email, name: user.name },
    permissions,
    projects: those,
    role,
  };
}

function apiKeyRoutes({ api_keys }: AuthDeps): Route[] {
  const common = { group, installation: true } as const;
  return [
    route({
      ...common,
      method: 'get',
      path: '/auth/api-keys',
      summary: 'Your API keys, newest first.',
      query: listQuery,
      responses: {
        200: { description: 'One page.', schema: page(apiKeyView) },
        403: { description: 'The caller is an API key, or no user.' },
      },
      async handler({ query: { limit, cursor }, principal }) {
        const rows = await api_keys.list(principal, limit + 1, agePlaceAt(cursor));
        return { status: 200, body: pageOf(rows, limit, agePlaceOf) };
      },
    }),
    route({
      ...common,
      method: 'post',
      path: '/auth/api-keys',
      role: 'viewer',
      ...TOLD_ONCE,
      secret_body: undefined,
      summary: 'An API key for a program that acts for you. It is told once.',
      body: newApiKeyBody,
      responses: { 201: { description: 'The key.', schema: createdApiKeyView } },
      async handler({ body, principal }) {
        const made = await api_keys.create(principal, body);
        return {
          status: 201,
          body: made,
          headers: { ...NO_STORE, Location: `/api/v1/auth/api-keys/${made.id}` },
        };
      },
    }),
    route({
      ...common,
      method: 'delete',
      path: '/auth/api-keys/:id',
      role: 'viewer',
      summary: 'Revoke an API key.',
      params: idParams,
      responses: { 204: { description: 'Revoked.' } },
      async handler({ params, principal }) {
        await api_keys.revoke(principal, params.id);
        return { status: 204 };
      },
    }),
  ];
}

function keyRoutes({ ring }: AuthDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/.well-known/jwks.json',
      root: true,
      group,
      installation: true,
      public: true,
      summary: 'The public keys that tokens of this installation are checked with (RFC 7517).',
      responses: { 200: { description: 'The keys.', schema: jwksView } },
      handler: async () => ({
        status: 200,
        body: await ring.jwks(),
        headers: { 'Cache-Control': 'public, max-age=300' },
      }),
    }),
    route({
      method: 'post',
      path: '/auth/signing-keys',
      group,
      installation: true,
      role: 'owner',
      permission: 'installation:administer',
      summary: 'Sign tokens with a new key from now on; those signed before stay good.',
      responses: { 201: { description: 'The new key.', schema: rotatedView } },
      handler: async () => ({ status: 201, body: { kid: await ring.rotate() } }),
    }),
  ];
}
