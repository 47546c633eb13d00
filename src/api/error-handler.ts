import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import {
  AppError,
  ERROR_CATALOGUE,
  type ErrorCode,
  type ErrorFamily,
  type Problem,
} from '../contract/errors.ts';

/** The HTTP status of each family; a family without one does not compile. */
export const STATUS_OF_FAMILY: Readonly<Record<ErrorFamily, number>> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  gone: 410,
  stale: 412,
  too_large: 413,
  unsupported_media: 415,
  unsatisfiable_range: 416,
  invalid: 422,
  upgrade_required: 426,
  precondition_required: 428,
  rate_limited: 429,
  over_quota: 429,
  internal: 500,
  not_implemented: 501,
  unavailable: 503,
};

/** RFC 9457, as every error answer looks. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: ErrorCode;
  request_id: string;
  errors?: readonly Problem[];
}

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: ProblemDocument;
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
const RETRY_AFTER_SECONDS = 1;
/** What is otherwise when one asks again. */
const PASSING: ReadonlySet<ErrorFamily> = new Set(['rate_limited', 'over_quota', 'unavailable']);

/** What the caller is told about an error. Only an `AppError` says anything of its own. */
export function problemAnswer(error: AppError, request_id: string): ProblemAnswer {
  const { family, title } = ERROR_CATALOGUE[error.code];
  const status = STATUS_OF_FAMILY[family];
  // A defect of ours is described in the log, under the request id.
  const { detail, errors, extra } = family === 'internal' ? {} : error.data;
  const type = `urn:orchestrator:error:${error.code}`;
  return {
    status,
    headers: headersOf(error, family),
    body: { ...extra, type, title, status, detail, code: error.code, request_id, errors },
  };
}

function headersOf(error: AppError, family: ErrorFamily): Record<string, string> {
  const headers: Record<string, string> = { 'Content-Type': PROBLEM_MEDIA_TYPE, 'Cache-Control': 'no-store' };
  const passes = PASSING.has(family);
  const retry_after = error.data.retry_after_seconds ?? (passes ? RETRY_AFTER_SECONDS : undefined);
  if (retry_after !== undefined) headers['Retry-After'] = String(Math.max(1, Math.ceil(retry_after)));
  if (family === 'unauthenticated') headers['WWW-Authenticate'] = 'Bearer realm="orchestrator"';
  if (family === 'upgrade_required') Object.assign(headers, { Upgrade: 'websocket', Connection: 'Upgrade' });
  if (family === 'unsatisfiable_range')
    headers['Content-Range'] = `bytes */${String(error.data.extra?.size_bytes)}`;
  return headers;
}

/** Everything that is thrown, as an `AppError`. `translate` knows the drivers, which this layer does not. */
export function toAppError(error: unknown, translate: (error: unknown) => unknown): AppError {
  const translated = translate(error);
  if (translated instanceof AppError) return translated;
  if (translated instanceof URIError) return new AppError('malformed_request', { detail: BAD_ENCODING });
  return fromHttpError(translated) ?? new AppError('internal', { cause: translated });
}

export const BAD_ENCODING = 'The address is not valid percent-encoding.';
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed_request',
  404: 'not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

/** Express and its parts throw errors that carry a client status; their text stays here. */
function fromHttpError(error: unknown): AppError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { status } = error as { status?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  return new AppError(CODE_OF_STATUS[status] ?? 'malformed_request', { cause: error });
}

export interface ErrorHandlerOptions {
  logger: Pick<Logger, 'error' | 'warn'>;
  /** Turns errors of drivers into `AppError`s: `asDatabaseError`, for one. */
  translateError: (error: unknown) => unknown;
}

/** The last station of a request that failed. */
export function errorHandler(options: ErrorHandlerOptions): ErrorRequestHandler {
  return (thrown, _req, res, _next) => {
    const error = toAppError(thrown, options.translateError);
    const request_id = requestIdOf(res);
    logError(options.logger, error, request_id);
    // Half an answer cannot be taken back: cutting it off is the only honest signal left.
    if (res.headersSent) res.destroy();
    else sendProblem(res, problemAnswer(error, request_id));
  };
}

/** The id under which this request is logged. */
export function requestIdOf(res: Response): string {
  return String(res.locals.request_id ?? '');
}

export function sendProblem(res: Response, answer: ProblemAnswer): void {
  const payload = JSON.stringify(answer.body);
  res.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) res.setHeader(name, value);
  res.setHeader('Content-Length', Buffer.byteLength(payload));
  res.end(payload);
}

export function logError(logger: ErrorHandlerOptions['logger'], error: AppError, request_id: string): void {
  const status = STATUS_OF_FAMILY[error.family];
  if (status === 500)
    logger.error({ request_id, code: error.code, err: error.data.cause ?? error }, 'request failed');
  else if (status === 503)
    logger.warn({ request_id, code: error.code, err: error.data.cause }, 'dependency away');
}
