import type { Response } from 'express';
import type { Reply } from '../route.ts';

/** A finished answer: what goes over the wire, and what an idempotency key remembers. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | Buffer | undefined;
}

const JSON_HEADERS = { 'Content-Type': 'application/json' };

/** Serialises a handler's reply: bytes as they are, text when it names its own media type, everything else as JSON. */
export function toAnswer(reply: Reply): Answer {
  const { status, body, headers = {} } = reply;
  if (body === undefined) return { status, headers, body: undefined };
  if (body instanceof Uint8Array)
    return { status, headers, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
  if (typeof body === 'string' && namesItsType(headers)) return { status, headers, body };
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(body) };
}

function namesItsType(headers: Record<string, string>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
}

export function sendAnswer(res: Response, answer: Answer): void {
  res.statusCode = answer.status;
  for (const name in answer.headers) res.setHeader(name, answer.headers[name]!);
  if (answer.body === undefined) {
    if (answer.status !== 204 && answer.status !== 304 && !res.hasHeader('Content-Length'))
      res.setHeader('Content-Length', 0);
    res.end();
    return;
  }
  res.setHeader('Content-Length', Buffer.byteLength(answer.body));
  res.end(answer.body);
}
