import { AppError } from '../../contract/errors.ts';
import { BAD_ENCODING } from '../error-handler.ts';

/** A query string as names with one value, or all values of a name that came more than once. */
export type Query = Record<string, string | string[]>;

/** Splits an address into its path and its query; also when it came in absolute form. */
export function splitUrl(url: string): { pathname: string; search: string } {
  const start = url.startsWith('/') ? 0 : pathStart(url);
  const mark = url.indexOf('?', start);
  if (mark < 0) return { pathname: url.slice(start), search: '' };
  return { pathname: url.slice(start, mark), search: url.slice(mark + 1) };
}

function pathStart(url: string): number {
  const slash = url.indexOf('/', url.indexOf('://') + 3);
  return slash < 0 ? url.length : slash;
}

/** Parses a query string. Unlike the built-in parsers it refuses broken percent-encoding. */
export function parseQuery(search: string): Query {
  // Without a prototype a parameter called __proto__ is a parameter like any other.
  const query = Object.create(null) as Query;
  if (search === '') return query;
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw new AppError('malformed_request', { detail: BAD_ENCODING });
  }
}
