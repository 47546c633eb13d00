import { setTimeout as pause } from 'node:timers/promises';
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';
import { AppError } from '../../contract/errors.ts';
import type { SigningKeyRepository, SigningKeyRow } from '../../persistence/signing-keys.ts';
import type { SealedBox } from '../sealed-box.ts';

export interface TokenClaims {
  user_id: string;
  session_id: string;
  expires_at: Date;
}

export interface TokenRingOptions {
  keys: SigningKeyRepository;
  /** Keeps the private keys. */
  box: SealedBox;
  issuer: string;
  audience: string;
  /** How long a token is good. */
  hours: number;
  ids: () => string;
  now_ms?: () => number;
}

/** The only one there is: what a token says about it picks nothing. */
const ALGORITHM = 'EdDSA';
const CLOCK_TOLERANCE_SECONDS = 5;
const KEYS_LAST_MS = 30_000;
/** A key that is not known may be one that was just made elsewhere; who invents some must not make us ask all the time. */
const ASK_AGAIN_AFTER_MS = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Loaded {
  rows: SigningKeyRow[];
  public_keys: Map<string, CryptoKey | Uint8Array>;
  at_ms: number;
}

/**
 * Makes and checks the tokens of those who have signed in: JWTs under Ed25519 keys, which are kept sealed and shared by
 * all replicas. Whoever wants to check them elsewhere gets the public keys (`jwks`).
 */
export function tokenRing(options: TokenRingOptions) {
  const { keys, issuer, audience, hours, ids, now_ms = Date.now } = options;
  let loaded: Loaded | undefined;
  const load = async (): Promise<Loaded> => {
    const rows = await keys.list();
    const entries = rows.map(async ({ kid, public_jwk }) => [kid, await keyOf(public_jwk)] as const);
    return (loaded = { rows, public_keys: new Map(await Promise.all(entries)), at_ms: now_ms() });
  };
  const fresh = () => (loaded && now_ms() - loaded.at_ms < KEYS_LAST_MS ? Promise.resolve(loaded) : load());
  let asking: Promise<Loaded> | undefined;
  /** What is there now, for all who miss a key meanwhile. */
  const reloaded = () =>
    (asking ??= pause(Math.max(0, (loaded?.at_ms ?? 0) + ASK_AGAIN_AFTER_MS - now_ms()))
      .then(load)
      .finally(() => (asking = undefined)));

  /** The key that signs; the first one is made by who asks first. */
  const signer = async (): Promise<{ kid: string; key: CryptoKey | Uint8Array }> => {
    const [current] = (await fresh()).rows.filter((row) => row.retired_at === null);
    const opened = current && (await unsealed(options.box, current));
    if (opened) return opened;
    // There is none, or none that this secret opens: nobody can go on with it.
    await keys.replace(await newKey(options), current?.kid ?? null);
    loaded = undefined;
    return signer();
  };

  const verificationKey = async ({ kid }: JWTHeaderParameters): Promise<CryptoKey | Uint8Array> => {
    const find = ({ public_keys }: Loaded) => (kid === undefined ? undefined : public_keys.get(kid));
    const key = find(await fresh()) ?? (kid === undefined ? undefined : find(await reloaded()));
    if (!key) throw new AppError('unauthenticated');
    return key;
  };

  return {
    async sign({ user_id, session_id }: Omit<TokenClaims, 'expires_at'>) {
      const { kid, key } = await signer();
      const issued_s = Math.floor(now_ms() / 1_000);
      const expires_s = issued_s + hours * 3_600;
      const token = await new SignJWT({ sid: session_id })
        .setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(user_id)
        .setIssuedAt(issued_s)
        .setExpirationTime(expires_s)
        .setJti(ids())
        .sign(key);
      return { token, expires_at: new Date(expires_s * 1_000) };
    },

    /** What a token says, if it is one of ours and good. Throws `unauthenticated`, and what the database throws. */
    async verify(token: string): Promise<TokenClaims> {
      const { payload } = await jwtVerify(token, verificationKey, {
        algorithms: [ALGORITHM],
        issuer,
        audience,
        typ: 'JWT',
        requiredClaims: ['sub', 'sid', 'exp', 'iat', 'jti'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        maxTokenAge: `${hours} hours`,
        currentDate: new Date(now_ms()),
      }).catch(refused);
      const { sub = '', sid, exp = 0 } = payload;
      if (typeof sid !== 'string' || !UUID.test(sid) || !UUID.test(sub))
        throw new AppError('unauthenticated');
      return { user_id: sub, session_id: sid, expires_at: new Date(exp * 1_000) };
    },

    /** The public keys of everything that is still good (RFC 7517). */
    async jwks(): Promise<{ keys: Record<string, unknown>[] }> {
      if ((await fresh()).rows.length === 0) await signer();
      return { keys: (await fresh()).rows.map(({ public_jwk }) => ({ ...public_jwk })) };
    },

    /** From now on another key signs; what was signed so far stays good. Answers the id of the new key. */
    async rotate(): Promise<string> {
      const { kid: replaced } = await signer();
      const made = await newKey(options);
      const is_ours = await keys.replace(made, replaced);
      loaded = undefined;
      // Somebody else put another one in its place just now, which is as good.
      return is_ours ? made.kid : (await signer()).kid;
    },

    /** Deletes keys that signed nothing which is still good; says how many. */
    forget: () => keys.forget(hours + 1),
  };
}

export type TokenRing = ReturnType<typeof tokenRing>;

const keyOf = (jwk: object) => importJWK(jwk as JWK, ALGORITHM);
const about = (kid: string) => `signing-key:${kid}`;

async function unsealed(box: SealedBox, { kid, sealed_private_jwk }: SigningKeyRow) {
  const text = box.open(sealed_private_jwk, about(kid));
  return text === undefined ? undefined : { kid, key: await keyOf(JSON.parse(text) as JWK) };
}

async function newKey({ box, ids }: TokenRingOptions) {
  const pair = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const kid = ids();
  const public_jwk = { ...(await exportJWK(pair.publicKey)), kid, alg: ALGORITHM, use: 'sig' };
  const private_jwk = JSON.stringify(await exportJWK(pair.privateKey));
  return { kid, public_jwk, sealed_private_jwk: box.seal(private_jwk, about(kid)) };
}

/** What is wrong with a token is nobody's business; that the database is away is. */
function refused(error: unknown): never {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && code.startsWith('ERR_J')) throw new AppError('unauthenticated');
  throw error;
}
