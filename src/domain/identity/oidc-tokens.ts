import { decodeJwt, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { AppError } from '../../contract/errors.ts';
import { claimAt, textsOf } from '../rules/claims.ts';

export interface OidcTokensOptions {
  issuer: string;
  /** A token has to be for one of them. */
  audience: readonly string[];
  /** What a token says picks none that is not here. */
  algorithms: readonly string[];
  keys: JWTVerifyGetKey;
  email_claim: string;
  name_claim: string;
  roles_claim?: string;
  now_ms?: () => number;
}

/** What a good token says. */
export interface OidcClaims {
  issuer: string;
  subject: string;
  /** Only one that the issuer has verified. */
  email?: string;
  name: string;
  roles: readonly string[];
  expires_at: Date;
}

const CLOCK_TOLERANCE_SECONDS = 5;
/** An ID token or an access token (RFC 9068); others, such as those that sign out, are for something else. */
const TYPES = new Set(['', 'jwt', 'at+jwt']);
const MAX_SUBJECT = 255;
const MAX_EMAIL = 254;
const MAX_NAME = 200;

/** Checks tokens of one OpenID issuer. */
export function oidcTokens(options: OidcTokensOptions) {
  const { issuer, audience, algorithms, keys, now_ms = Date.now } = options;
  return {
    /** Whether it says that it is from there, which is yet to be seen. */
    saysSo: (token: string): boolean => issuerOf(token) === issuer,

    /** Throws `unauthenticated`, and `issuer_unavailable` where it cannot be told. */
    async verify(token: string): Promise<OidcClaims> {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        algorithms: [...algorithms],
        issuer,
        audience: [...audience],
        requiredClaims: ['sub', 'exp'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(now_ms()),
      }).catch(refused);
      const type = String(protectedHeader.typ ?? '').toLowerCase();
      if (!TYPES.has(type.replace(/^application\//, ''))) throw new AppError('unauthenticated');
      return claimsOf(payload, options);
    },
  };
}

export type OidcTokens = ReturnType<typeof oidcTokens>;

function issuerOf(token: string): unknown {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function claimsOf(
  payload: JWTPayload,
  { issuer, email_claim, name_claim, roles_claim }: OidcTokensOptions,
): OidcClaims {
  const { sub: subject = '', exp = 0 } = payload;
  if (!isPlain(subject) || subject.length > MAX_SUBJECT) throw new AppError('unauthenticated');
  const email = claimAt(payload, email_claim);
  const is_verified = payload.email_verified === true;
  const name = claimAt(payload, name_claim);
  return {
    issuer,
    subject,
    ...(is_verified && isEmail(email) && { email }),
    name: isPlain(name) ? name.slice(0, MAX_NAME) : '',
    roles: roles_claim === undefined ? [] : textsOf(claimAt(payload, roles_claim)),
    expires_at: new Date(exp * 1_000),
  };
}

/** Text that can be stored and shown: something, and no control characters. */
const isPlain = (value: unknown): value is string => typeof value === 'string' && /^\P{Cc}+$/u.test(value);

const isEmail = (value: unknown): value is string =>
  isPlain(value) && value.length <= MAX_EMAIL && /^[^\s@]+@[^\s@]+$/.test(value);

/** What is wrong with a token is nobody's business; that somebody is away is. */
function refused(error: unknown): never {
  if (error instanceof errors.JOSEError) throw new AppError('unauthenticated');
  throw error;
}
