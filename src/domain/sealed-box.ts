import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** Keeps text that only whoever has the key may read (AES-256-GCM). */
export interface SealedBox {
  /** What seals name the current key by; it tells nothing of the key. */
  key_id: string;
  /** `about` says what it is the text of, and has to be said again to open it: a sealed text is of no use elsewhere. */
  seal(text: string, about: string): string;
  /** Undefined: it was sealed with a key that is not here, for something else, or was changed. */
  open(sealed: string, about: string): string | undefined;
  /** The same for the same text and subject; without the key nobody can tell what text it is of (HMAC-SHA-256). */
  digest(text: string, about: string): string;
  /** Whether it was sealed with the first of the keys; otherwise it should be sealed anew. */
  isCurrent(sealed: string): boolean;
}

const FORMAT = 'v1';
const IV_BYTES = 12;
const TAG_BYTES = 16;

interface Key {
  id: string;
  key: Buffer;
  digest_key: Buffer;
}

/**
 * Seals with the first of `secrets` and opens with any. `purpose` keeps keys of different uses apart that come of one
 * secret (HKDF-SHA-256). Throws without a secret.
 */
export function sealedBox(secrets: readonly string[], purpose: string): SealedBox {
  const keys = secrets.map((secret) => derived(secret, purpose));
  const [current] = keys;
  if (!current) throw new Error('A sealed box needs a key.');
  return {
    key_id: current.id,
    seal(text, about) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.key, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(about));
      const body = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${FORMAT}.${current.id}.${body.toString('base64url')}`;
    },
    open(sealed, about) {
      const [format, id, body = ''] = sealed.split('.');
      const key = keys.find((one) => one.id === id);
      return format === FORMAT && key ? opened(key, Buffer.from(body, 'base64url'), about) : undefined;
    },
    digest: (text, about) =>
      createHmac('sha256', current.digest_key)
        .update(JSON.stringify([about, text]))
        .digest('hex'),
    isCurrent: (sealed) => sealed.startsWith(`${FORMAT}.${current.id}.`),
  };
}

/** What was stored before there was a key is plain, and never begins like this. */
export const isSealed = (text: string): boolean => text.startsWith(`${FORMAT}.`);

function derived(secret: string, purpose: string): Key {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', `orchestrator/${purpose}`, 72));
  // The first 40 bytes are the same however many are asked for.
  const [key, id, digest_key] = [bytes.subarray(0, 32), bytes.subarray(32, 40), bytes.subarray(40)];
  return { id: id.toString('hex'), key, digest_key };
}

function opened({ key }: Key, body: Buffer, about: string): string | undefined {
  if (body.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(about));
  decipher.setAuthTag(body.subarray(-TAG_BYTES));
  try {
    return decipher.update(body.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
