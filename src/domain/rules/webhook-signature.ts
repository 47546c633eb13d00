import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** A new secret as the Standard Webhooks write it. */
export const newWebhookSecret = (): string => PREFIX + randomBytes(SECRET_BYTES).toString('base64');

export interface Signed {
  id: string;
  timestamp_seconds: number;
  body: string;
}

/** The headers of the Standard Webhooks: HMAC-SHA256 over id, time and body. */
export function signatureHeaders(
  secret: string,
  { id, timestamp_seconds, body }: Signed,
): Record<string, string> {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp_seconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp_seconds),
    'webhook-signature': `v1,${signature}`,
  };
}
