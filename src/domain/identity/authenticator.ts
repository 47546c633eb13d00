import { hash } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';
import { type Principal, principalOf } from '../../contract/principal.ts';
import { boundedCache } from '../../language/bounded-cache.ts';
import type { ApiKeyRepository } from '../../persistence/api-keys.ts';
import type { UserSessionRepository } from '../../persistence/user-sessions.ts';
import { API_KEY, apiKeyHash } from './api-key-text.ts';
import type { OidcPeople } from './oidc-people.ts';
import type { OidcTokens } from './oidc-tokens.ts';
import type { TokenClaims, TokenRing } from './token-ring.ts';

export interface AuthenticatorOptions {
  ring: TokenRing;
  sessions: UserSessionRepository;
  api_keys: ApiKeyRepository;
  /** An issuer whose tokens are taken besides ours. */
  oidc?: { tokens: OidcTokens; people: OidcPeople };
  onError: (error: unknown) => void;
  now_ms?: () => number;
  /** How long what a caller may do is taken for what it was; also how long a token may outlive its revocation elsewhere. */
  known_for_ms?: number;
}

interface Known {
  /** Of a JWT, which is verified once. */
  claims?: TokenClaims;
  principal: Principal;
  /** When it ends by itself. */
  ends_ms: number;
  looked_ms: number;
}

const MAX_KNOWN = 10_000;

/** Says who shows a token: one of a session, one of another issuer, or an API key. */
export interface Authenticator {
  /** At once for whom it has seen within the last seconds. Throws `unauthenticated`. */
  whoShows: (token: string) => Principal | Promise<Principal>;
  /** What somebody may do was changed here: the next token is looked up anew. */
  onChange: () => void;
}

/** One statement per token and some seconds. */
export function authenticator(options: AuthenticatorOptions): Authenticator {
  const { now_ms = Date.now, known_for_ms = 5_000 } = options;
  const known = boundedCache<Known>(MAX_KNOWN);
  let changed_ms = -Infinity;

  const lookUp = async (token: string, key: string, before?: Known): Promise<Principal> => {
    const looked_ms = now_ms();
    const found = await foundBy(options, token, before?.claims);
    known.set(key, { ...found, looked_ms });
    return found.principal;
  };

  return {
    whoShows(token) {
      const key = hash('sha256', token, 'base64');
      const before = known.get(key);
      const now = now_ms();
      const is_fresh =
        before !== undefined &&
        before.looked_ms > changed_ms &&
        now - before.looked_ms < known_for_ms &&
        now < before.ends_ms;
      return is_fresh ? before.principal : lookUp(token, key, before);
    },
    onChange() {
      changed_ms = now_ms();
    },
  };
}

type Found = Omit<Known, 'looked_ms'>;

/** Whoever a token says it is from decides who checks it, and no more. */
function foundBy(options: AuthenticatorOptions, token: string, before?: TokenClaims): Promise<Found> {
  const { oidc } = options;
  if (API_KEY.test(token)) return ofApiKey(options, token);
  return oidc?.tokens.saysSo(token) ? ofIssuer(oidc, token) : ofSession(options, token, before);
}

async function ofIssuer(
  { tokens, people }: NonNullable<AuthenticatorOptions['oidc']>,
  token: string,
): Promise<Found> {
  const claims = await tokens.verify(token);
  const standing = await people.standing(claims);
  const principal = { ...principalOf(standing), identity_id: standing.identity_id };
  return { principal, ends_ms: claims.expires_at.getTime() };
}

async function ofSession(
  { ring, sessions, now_ms = Date.now }: AuthenticatorOptions,
  token: string,
  before?: TokenClaims,
): Promise<Found> {
  const still_good = before !== undefined && before.expires_at.getTime() > now_ms();
  const claims = still_good ? before : await ring.verify(token);
  const { user_id, session_id, expires_at } = claims;
  const standing = await sessions.standing(session_id, user_id);
  if (!standing) throw new AppError('unauthenticated');
  const ends_ms = Math.min(expires_at.getTime(), standing.expires_at.getTime());
  return { claims, principal: { ...principalOf(standing), session_id }, ends_ms };
}

async function ofApiKey({ api_keys, onError }: AuthenticatorOptions, token: string): Promise<Found> {
  const standing = await api_keys.standing(apiKeyHash(token));
  if (!standing) throw new AppError('unauthenticated');
  const { id, scope, expires_at } = standing;
  // Nobody waits for the note.
  api_keys.noteUse(id).catch(onError);
  const principal = { ...principalOf(standing, scope), api_key_id: id };
  return { principal, ends_ms: expires_at?.getTime() ?? Infinity };
}
