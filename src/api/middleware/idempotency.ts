import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { KeyedRequest, IdempotencyService } from '../../domain/idempotency.ts';
import { problemAnswer, toAppError } from '../error-handler.ts';
import { STREAMED } from '../route.ts';
import type { Answer } from './answer.ts';

/** Headers that belong to an answer and come back with it. */
const KEPT_HEADERS = new Set(['content-type', 'etag', 'location', 'retry-after', 'cache-control']);
const KEY = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
const MAX_KEY = 255;

/** The `Idempotency-Key` of a request: 1 to 255 visible characters. */
export function idempotencyKeyOf(req: Request): string | undefined {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length <= MAX_KEY && KEY.test(key)) return key;
  throw new AppError('malformed_request', {
    detail: `Idempotency-Key must be 1 to ${MAX_KEY} visible ASCII characters.`,
  });
}

export interface RequestIdentity {
  method: string;
  /** Below the mount, decoded or not, but always the same way. */
  path: string;
  search: string;
  project_id: string;
  /** A body that is streamed is known by what its headers say, because it cannot be read twice. */
  body: Buffer | undefined;
  req: Request;
}

/** Digest of what a request asks for. */
export function requestHash(identity: RequestIdentity): string {
  const { method, path, search, project_id, body, req } = identity;
  const {
    'content-type': type = '',
    'content-length': length = '',
    'content-digest': digest = '',
  } = req.headers;
  const streamed = body === undefined ? `${type}\n${length}\n${String(digest)}` : '';
  return createHash('sha256')
    .update(`${method}\n${path}\n${search}\n${project_id}\n${streamed}\n`)
    .update(body ?? '')
    .digest('hex');
}

export interface OnceOptions {
  idempotency: IdempotencyService;
  translateError: (error: unknown) => unknown;
  request_id: string;
  onError: (error: unknown) => void;
}

type Outcome = Answer | typeof STREAMED;

/** Runs a request once per key; later ones get its first answer, marked `Idempotent-Replayed: true`. */
export async function once(
  request: KeyedRequest,
  run: () => Promise<Outcome>,
  options: OnceOptions,
): Promise<Outcome> {
  const begun = await options.idempotency.begin(request);
  if ('replay' in begun) return replayed(begun.replay);
  const { held } = begun;
  const settled = await settle(run, options);
  // The work is done: not being able to remember it must not turn its answer into a failure.
  const remembering = settled.keep ? held.complete(remember(settled.keep)) : held.release();
  await remembering.catch(options.onError);
  if ('error' in settled) throw settled.error;
  return settled.outcome;
}

type Settled = { keep?: Answer } & ({ outcome: Outcome } | { error: unknown });

async function settle(run: () => Promise<Outcome>, options: OnceOptions): Promise<Settled> {
  try {
    const outcome = await run();
    return outcome === STREAMED || !isLasting(outcome.status) ? { outcome } : { outcome, keep: outcome };
  } catch (error) {
    const problem = problemAnswer(toAppError(error, options.translateError), options.request_id);
    const answer = { ...problem, body: JSON.stringify(problem.body) };
    return isLasting(answer.status) ? { outcome: answer, keep: answer } : { error };
  }
}

/** "Try again later" is no answer to keep. */
const isLasting = (status: number): boolean => status < 500 && status !== 429;

function remember({ status, headers, body }: Answer) {
  const kept = Object.entries(headers).filter(([name]) => KEPT_HEADERS.has(name.toLowerCase()));
  return { status, headers: Object.fromEntries(kept), body: body === undefined ? null : Buffer.from(body) };
}

function replayed(stored: { status: number; headers: Record<string, string>; body: Buffer | null }): Answer {
  const headers = { ...stored.headers, 'Idempotent-Replayed': 'true' };
  return { status: stored.status, headers, body: stored.body ?? undefined };
}
