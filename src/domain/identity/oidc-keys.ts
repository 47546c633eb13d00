import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import { AppError } from '../../contract/errors.ts';

export interface OidcKeysOptions {
  /** Asks the issuer. */
  load: () => Promise<readonly JWK[]>;
  /** After the issuer was asked it is left alone for so long, whatever tokens say. */
  cool_down_ms: number;
  /** Told why the issuer gave no keys. */
  onError: (error: unknown) => void;
  now_ms?: () => number;
}

interface Known {
  find: ReturnType<typeof createLocalJWKSet>;
  at_ms: number;
}

/** A key that the issuer does not have any more is forgotten after that, when the issuer can be asked. */
const KEYS_LAST_MS = 600_000;

/**
 * The keys of an issuer by their ids. What is known goes on working while the issuer is away. Throws `unauthenticated` for a
 * key that the issuer does not have, and `issuer_unavailable` for one that it could not be asked about.
 */
export function oidcKeys(options: OidcKeysOptions): JWTVerifyGetKey {
  const { load, cool_down_ms, onError, now_ms = Date.now } = options;
  let known: Known | undefined;
  let is_away = false;
  let asked_ms = -Infinity;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    try {
      const keys = [...(await load())];
      known = { find: createLocalJWKSet({ keys }), at_ms: now_ms() };
      is_away = false;
    } catch (error) {
      is_away = true;
      onError(error);
    }
    asked_ms = now_ms();
    asking = undefined;
  };
  /** All who need it at once wait for one question. */
  const askAtTimes = (): Promise<void> => {
    if (asking) return asking;
    return now_ms() - asked_ms < cool_down_ms ? Promise.resolve() : (asking = ask());
  };

  return async (header, token) => {
    if (!known || now_ms() - known.at_ms >= KEYS_LAST_MS) await askAtTimes();
    const find = () => known?.find(header, token).catch(unlessUnknown);
    const found = await find();
    if (found) return found;
    await askAtTimes();
    const fresh = await find();
    if (fresh) return fresh;
    if (!is_away) throw new AppError('unauthenticated');
    const left_ms = asked_ms + cool_down_ms - now_ms();
    throw new AppError('issuer_unavailable', { retry_after_seconds: Math.max(1, left_ms / 1_000) });
  };
}

/** Undefined for a key that is not there. What jose cannot make a key of is no good for anybody. */
function unlessUnknown(error: unknown): undefined {
  if (error instanceof errors.JWKSNoMatchingKey) return undefined;
  throw new AppError('unauthenticated', { cause: error });
}
