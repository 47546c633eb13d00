import { HttpFailure } from './http-failure.ts';

/** Headers that belong to the connection or frame the message: the client writes them, or nobody does. */
const OWN = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Visible Latin-1, spaces and tabs: above all no CR, LF or NUL. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const MAX_BYTES = 64 * 1024;

/** What may follow a redirect to another origin; keys and cookies go by many names, so the list says what is harmless. */
const HARMLESS = new Set(['accept', 'accept-encoding', 'accept-language', 'content-type', 'user-agent']);

/**
 * The headers as they are sent: lower case, with `accept-encoding` for what can be read.
 * Throws `request_invalid` naming the header, never its value.
 */
export function requestHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name, value] of entries) {
    const problem = problemOf(name, value);
    if (problem) throw new HttpFailure('request_invalid', problem);
  }
  if (entries.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0) > MAX_BYTES) {
    throw new HttpFailure('request_invalid', `The headers are larger than ${MAX_BYTES} bytes.`);
  }
  return Object.fromEntries([['accept-encoding', 'gzip, deflate, br'], ...entries]);
}

/** What remains of the headers at another origin: nothing that could authenticate. */
export function harmlessHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name)));
}

function problemOf(name: string, value: string): string | undefined {
  if (!NAME.test(name)) return `${JSON.stringify(name.slice(0, 40))} is no header name.`;
  if (OWN.has(name)) return `The header ${name} may not be set.`;
  return VALUE.test(value) ? undefined : `The header ${name} holds a character that a header cannot have.`;
}
