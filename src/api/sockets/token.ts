import type { IncomingMessage } from 'node:http';

const OFFERED = /^bearer\.(.+)$/;

/**
 * Browsers cannot set headers on a WebSocket: a token may come as a subprotocol `bearer.<token>` or as `?access_token=`.
 * Turns it into the header, and takes it out of the address, which is logged in places.
 */
export function takeToken(req: IncomingMessage): void {
  const [path = '', search = ''] = splitOnce(req.url ?? '', '?');
  const query = new URLSearchParams(search);
  const from_query = query.get('access_token');
  if (from_query !== null) {
    query.delete('access_token');
    req.url = query.size > 0 ? `${path}?${query.toString()}` : path;
  }
  const token = tokenOffered(req) ?? from_query;
  if (token !== null) req.headers.authorization ??= `Bearer ${token}`;
}

function tokenOffered(req: IncomingMessage): string | null {
  const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return offered.map((name) => OFFERED.exec(name)?.[1]).find((token) => token !== undefined) ?? null;
}

function splitOnce(text: string, at: string): string[] {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}
