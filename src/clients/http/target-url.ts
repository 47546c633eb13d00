import { AppError } from '../../contract/errors.ts';
import { HttpFailure } from './http-failure.ts';

/** Reads a URL that may be called; throws `request_invalid` for what is none, or what `requireCallable` throws. */
export function parseTarget(text: string): URL {
  if (!URL.canParse(text)) throw new HttpFailure('request_invalid', 'The URL cannot be read.');
  return requireCallable(new URL(text));
}

/** Throws `egress_refused` unless the URL is http or https and carries no user name or password. */
export function requireCallable(url: URL): URL {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AppError('egress_refused', {
      detail: `Only http and https may be called, not ${url.protocol.slice(0, 40)}`,
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('egress_refused', { detail: 'A URL with a user name or password may not be called.' });
  }
  return url;
}
