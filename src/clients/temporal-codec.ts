import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

/** Secrets that the keys are made of. */
export interface CodecSecrets {
  /** What is sent from now on is encrypted with it; without it nothing new is. */
  current?: string;
  /** What is there already may be encrypted with these. */
  previous: readonly string[];
}

/** Something in Temporal cannot be decrypted here. The same may well succeed in a process that has the right keys. */
export class PayloadCodecError extends Error {
  override readonly name = 'PayloadCodecError';
}

interface Key {
  id: string;
  bytes: Buffer;
}

const { Payload: wire } = proto.temporal.api.common.v1;

/** What Temporal's own samples call it, so that tools of operators tell it apart. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const PURPOSE = 'orchestrator/temporal-codec/v1';
const KEY_BYTES = 32;
const ID_BYTES = 8;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts payloads on their way to Temporal and decrypts them on their way back (AES-256-GCM): each whole, its encoding
 * included, under a random IV. What is not encrypted is taken as it is, so that executions begun without a key go on.
 * Decoding rejects with `PayloadCodecError` what was encrypted with a key that is not here, or was changed.
 */
export function temporalCodec({ current, previous }: CodecSecrets): PayloadCodec {
  const first = current === undefined ? undefined : keyOf(current);
  const keys = new Map([...previous.map(keyOf), ...(first ? [first] : [])].map((key) => [key.id, key]));
  return {
    encode: (payloads) => attempt(() => (first ? payloads.map((one) => encrypted(first, one)) : payloads)),
    decode: (payloads) => attempt(() => payloads.map((one) => decrypted(keys, one))),
  };
}

/** The key and its id, both of the one secret; the id tells nothing of the key. */
function keyOf(secret: string): Key {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES + ID_BYTES));
  return { id: bytes.subarray(KEY_BYTES).toString('hex'), bytes: bytes.subarray(0, KEY_BYTES) };
}

function encrypted({ id, bytes }: Key, payload: Payload): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', bytes, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(aadOf(id));
  const body = cipher.update(wire.encode(payload).finish());
  cipher.final();
  return {
    metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([iv, body, cipher.getAuthTag()]),
  };
}

function decrypted(keys: ReadonlyMap<string, Key>, payload: Payload): Payload {
  const id = textOf(payload, KEY_ID);
  if (id === undefined || textOf(payload, 'encoding') !== ENCODING) return payload;
  const key = keys.get(id);
  if (!key)
    throw new PayloadCodecError(
      `Temporal has a payload that was encrypted with the key ${shown(id)}, which is neither temporal.codec_key nor among temporal.codec_previous_keys of this process.`,
    );
  try {
    return opened(key, Buffer.from(payload.data ?? []));
  } catch (cause) {
    throw new PayloadCodecError(
      `Temporal has a payload that is not what was encrypted with the key ${shown(id)}.`,
      { cause },
    );
  }
}

function opened({ id, bytes }: Key, data: Buffer): Payload {
  if (data.length < IV_BYTES + TAG_BYTES) throw new RangeError('It is too short.');
  const decipher = createDecipheriv('aes-256-gcm', bytes, data.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(aadOf(id));
  decipher.setAuthTag(data.subarray(-TAG_BYTES));
  const body = decipher.update(data.subarray(IV_BYTES, -TAG_BYTES));
  decipher.final();
  return wire.decode(body);
}

const aadOf = (id: string) => Buffer.from(`${PURPOSE} ${id}`);

function textOf({ metadata }: Payload, name: string): string | undefined {
  const value = metadata?.[name];
  return value ? Buffer.from(value).toString('latin1') : undefined;
}

/** It comes from outside: enough to know it by. */
const shown = (id: string) => JSON.stringify(id.slice(0, 2 * ID_BYTES));

/** What is thrown in it rejects. */
const attempt = <T>(make: () => T): Promise<T> => new Promise((resolve) => resolve(make()));
