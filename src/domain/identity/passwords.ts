import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';

/** OWASP's figures for scrypt: 32 MiB, three lanes one after the other. */
const COST = { N: 32_768, r: 8, p: 3 };
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Each takes a thread and 32 MiB for some tenths of a second, and others wait for the same threads. */
const AT_ONCE = 2;
const MAX_WAITING = 64;

/** What is kept instead of a password: `scrypt$N$r$p$salt$key`. Throws `overloaded` when too many are being worked out. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COST);
  const { N, r, p } = COST;
  return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/**
 * Whether this is the password. Without one to compare with it takes as long and is false: how long a sign-in takes does
 * not say who there is. Throws `overloaded` when too many are being worked out.
 */
export async function verifyPassword(password: string, kept: string | null | undefined): Promise<boolean> {
  const [scheme, N, r, p, salt = '', key = ''] = (kept ?? NOBODY).split('$');
  if (scheme !== 'scrypt') throw new Error(`a password is kept in a way that is not known: ${scheme}`);
  const expected = Buffer.from(key, 'base64url');
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const found = await derive(password, Buffer.from(salt, 'base64url'), cost);
  return timingSafeEqual(found, expected) && kept != null;
}

const NOBODY = `scrypt$${COST.N}$${COST.r}$${COST.p}$AAAAAAAAAAAAAAAAAAAAAA$${Buffer.alloc(KEY_BYTES).toString('base64url')}`;

let running = 0;
const waiting: (() => void)[] = [];

/** The same text typed on another keyboard is the same password (NFKC, RFC 8265). */
async function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MAX_WAITING) throw new AppError('overloaded', { retry_after_seconds: 5 });
    // Whoever ends hands its place on, so the count stays.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    return await new Promise((resolve, reject) =>
      scrypt(
        password.normalize('NFKC'),
        salt,
        KEY_BYTES,
        { ...cost, maxmem: MAX_MEMORY_BYTES },
        (error, key) => (error ? reject(error) : resolve(key)),
      ),
    );
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
