import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';

/** How long a refused body is read on and thrown away, so that the caller gets to see the answer. */
const DRAIN_MS = 2_000;
const EMPTY = Buffer.alloc(0);

/** Reads a whole body. More than `limit` bytes: 413, as soon as it is known. */
export function readBody(req: Request, limit: number): Promise<Buffer> | Buffer {
  const announced = announcedLength(req);
  if (announced === 0) return EMPTY;
  if (announced !== undefined && announced > limit) throw tooLarge(req, limit);
  return collect(req, limit);
}

/** Bytes announced by the caller; `undefined` for a body of unknown length, 0 when there is none. */
export function announcedLength(req: Request): number | undefined {
  if (req.headers['transfer-encoding'] !== undefined) return undefined;
  return Number(req.headers['content-length'] ?? 0);
}

function collect(req: Request, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: Error) => {
      req.removeAllListeners('data');
      reject(error);
    };
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) stop(tooLarge(req, limit));
      else chunks.push(chunk);
    });
    req.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    req.once('error', () => stop(aborted()));
    req.once('close', () => !req.complete && stop(aborted()));
  });
}

/** Gives up on a body. Closing at once would reset the connection before the caller reads the answer. */
export function drain(req: Request): void {
  req.resume();
  setTimeout(() => !req.complete && req.socket.destroy(), DRAIN_MS).unref();
}

/** The answer to a body over the limit. */
export function tooLarge(req: Request, limit: number): AppError {
  drain(req);
  return new AppError('payload_too_large', { detail: `At most ${limit} bytes are accepted here.` });
}

/** The body piece by piece. Stopping early must not cut the connection: the caller is to read why. */
export async function* bodyPieces(req: Request): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (cause) {
    throw aborted(cause);
  } finally {
    if (!req.complete) drain(req);
  }
}

const aborted = (cause?: unknown) =>
  new AppError('malformed_request', { detail: 'The body ended early.', cause });

/** Refuses what is not one of `accepted`, is compressed, or is not UTF-8: 415. */
export function assertMediaType(req: Request, accepted: readonly string[]): void {
  const { 'content-type': type, 'content-encoding': encoding } = req.headers;
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw unsupported('A compressed body is not accepted.');
  }
  if (type !== undefined && accepted.includes(type)) return;
  const [name = '', ...parameters] = (type ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (!accepted.includes(name)) throw unsupported(`Accepted here: ${accepted.join(', ')}.`);
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) throw unsupported('Only UTF-8 is accepted.');
}

const unsupported = (detail: string) => new AppError('unsupported_media_type', { detail });
