import { AppError } from '../../contract/errors.ts';

const VERSION = /^(?:"(\d{1,15})"|(\d{1,15}))$/;
const ENTITY_TAG = /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/**
 * The version a write expects: `"3"` or `3`. Absent and `*` say nothing. A weak or foreign entity tag can never be the
 * current one (RFC 9110 §13.1.1): 412. Anything else, lists included, cannot be read: 400.
 */
export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (text === '*') return undefined;
  const version = VERSION.exec(text);
  if (version) return Number(version[1] ?? version[2]);
  if (ENTITY_TAG.test(text)) throw new AppError('stale_if_match');
  throw new AppError('malformed_request', { detail: 'If-Match must be one version, such as "3".' });
}
