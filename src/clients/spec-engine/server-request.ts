import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, type ErrorFamily } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { SPEC_ENGINE_LIMITS, THREAD_ID, type RefineRequest } from '../../contract/spec-engine.ts';
import { jsonIn } from './json-in.ts';
import * as wire from './wire.ts';

const STATUS: Partial<Record<ErrorFamily, number>> = {
  malformed: 400,
  unauthenticated: 401,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media: 415,
  invalid: 422,
  upgrade_required: 426,
  unavailable: 503,
};
const MAX_PROBLEMS = 50;

export function statusOf(error: unknown): number {
  return (error instanceof AppError ? STATUS[error.family] : undefined) ?? 500;
}

/** Answers an error as a problem document (RFC 9457). Of a defect nothing is shown. */
export function sendProblem(res: ServerResponse, error: unknown): void {
  const status = statusOf(error);
  const shown = status === 500 || !(error instanceof AppError) ? new AppError('internal') : error;
  const { errors, retry_after_seconds } = shown.data;
  const headers = {
    'content-type': 'application/problem+json',
    ...(retry_after_seconds === undefined ? {} : { 'retry-after': String(retry_after_seconds) }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    // What is left of a body that was not read is not waited for.
    ...(status === 413 || status === 401 ? { connection: 'close' } : {}),
  };
  send(res, {
    status,
    headers,
    body: {
      type: 'about:blank',
      title: shown.message,
      status,
      code: shown.code,
      ...(errors ? { errors: [...errors] } : {}),
    },
  });
}

export function send(
  res: ServerResponse,
  { status, body, headers = {} }: { status: number; body?: unknown; headers?: Record<string, string> },
): void {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const length = { 'content-length': String(Buffer.byteLength(text ?? '')) };
  res.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...length,
    ...headers,
  });
  res.end(text);
}

/** Throws `unauthenticated` unless the request carries the token; how long that takes does not depend on where they differ. */
export function requireToken(req: IncomingMessage, token: string | undefined): void {
  if (token === undefined) return;
  const [, given = ''] = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(req.headers.authorization ?? '') ?? [];
  if (!timingSafeEqual(digest(given), digest(token))) throw new AppError('unauthenticated');
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Reads the body of an invocation. Throws what is wrong with it, every problem at once. */
export async function readRequest(req: IncomingMessage): Promise<RefineRequest> {
  if (!/^application\/json *(?:;|$)/i.test(req.headers['content-type'] ?? ''))
    throw new AppError('unsupported_media_type');
  const value = jsonOf(await readBody(req));
  const read = wire.request.safeParse(value);
  if (read.success) return read.data;
  const errors = read.error.issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => ({ path: path.map((each) => `/${String(each)}`).join(''), message }));
  throw new AppError('validation_failed', { errors });
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const { bytes: most } = SPEC_ENGINE_LIMITS;
  if (Number(req.headers['content-length'] ?? 0) > most) throw new AppError('payload_too_large');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new AppError('payload_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function jsonOf(bytes: Buffer): Json {
  const value = jsonIn(bytes);
  if (value === undefined)
    throw new AppError('malformed_request', { detail: 'The body is no JSON, or nested too deep.' });
  return value;
}

export interface Target {
  name: 'invoke' | 'state' | 'stream' | 'health';
  thread_id: string;
  query: URLSearchParams;
}

const METHODS: Readonly<Record<Target['name'], readonly string[]>> = {
  invoke: ['POST'],
  state: ['GET', 'DELETE'],
  stream: ['GET'],
  health: ['GET'],
};

/** What a request is for. Throws `not_found`, `method_not_allowed`. */
export function targetOf({ url = '/', method = 'GET' }: IncomingMessage): Target {
  const [path = '', query = ''] = url.split('?', 2);
  const [, action, thread_id = ''] = /^\/spec-engine\/(invoke|state|stream)(?:\/([^/]+))?$/.exec(path) ?? [];
  const name = path === '/health' ? 'health' : (action as Target['name'] | undefined);
  if (name === undefined || (name === 'state' || name === 'stream') !== THREAD_ID.test(thread_id))
    throw new AppError('not_found');
  if (!METHODS[name].includes(method)) throw new AppError('method_not_allowed');
  return { name, thread_id, query: new URLSearchParams(query) };
}
