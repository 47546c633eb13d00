import { createHmac, timingSafeEqual } from 'node:crypto';

/** What came over the wire, as it came. */
export interface SignedDelivery {
  /** A header that is there once; by its name in lower case. */
  header: (name: string) => string | undefined;
  body: Buffer;
}

export interface SignatureRule {
  secret: string;
  now_ms: number;
  /** How far the sender's clock may be from ours, and how long a delivery may be on its way. */
  tolerance_seconds: number;
}

const STANDARD_SECRET = 'whsec_';
const SECONDS = /^\d{1,12}$/;
const SIGNATURE_HEX = /^sha256=([0-9a-f]{64})$/i;

/**
 * True when the body was signed with the secret, by HMAC-SHA256: as the Standard Webhooks do it (`webhook-id`,
 * `webhook-timestamp`, `webhook-signature`), or as GitHub does (`X-Hub-Signature-256`). A delivery that claims the first
 * is held to it. Nothing tells what was wrong.
 */
export function isSigned(delivery: SignedDelivery, rule: SignatureRule): boolean {
  return delivery.header('webhook-signature') === undefined
    ? isSignedAsGitHub(delivery, rule)
    : isSignedAsStandard(delivery, rule);
}

function isSignedAsGitHub({ header, body }: SignedDelivery, { secret }: SignatureRule): boolean {
  const [, hex = ''] = SIGNATURE_HEX.exec(header('x-hub-signature-256') ?? '') ?? [];
  return equal(Buffer.from(hex, 'hex'), createHmac('sha256', secret).update(body).digest());
}

function isSignedAsStandard({ header, body }: SignedDelivery, rule: SignatureRule): boolean {
  const id = header('webhook-id') ?? '';
  const timestamp = header('webhook-timestamp') ?? '';
  if (id === '' || !SECONDS.test(timestamp)) return false;
  if (Math.abs(rule.now_ms / 1_000 - Number(timestamp)) > rule.tolerance_seconds) return false;
  const expected = createHmac('sha256', keyOf(rule.secret))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest();
  // Several while the sender changes its secret; other versions than v1 are of other algorithms.
  return (header('webhook-signature') ?? '')
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .some((signature) => equal(Buffer.from(signature.slice('v1,'.length), 'base64'), expected));
}

/** A secret as the Standard Webhooks write it is base64 behind its prefix; any other is the key itself. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(STANDARD_SECRET)
    ? Buffer.from(secret.slice(STANDARD_SECRET.length), 'base64')
    : Buffer.from(secret);

const equal = (given: Buffer, expected: Buffer): boolean =>
  given.length === expected.length && timingSafeEqual(given, expected);
