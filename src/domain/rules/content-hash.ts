import { createHash } from 'node:crypto';

/** The name of bytes in the content-addressed store. */
export function contentHash(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
