import { status, type ServiceError } from '@grpc/grpc-js';
import { AppError, type ErrorCode } from '../../contract/errors.ts';

const MAX_DETAIL_CHARS = 300;

/** What a status of the far side is to our callers. */
const CODES: Partial<Record<status, readonly [ErrorCode, string]>> = {
  [status.INVALID_ARGUMENT]: ['validation_failed', 'The intent service refused the request.'],
  [status.OUT_OF_RANGE]: ['validation_failed', 'The intent service refused the request.'],
  [status.FAILED_PRECONDITION]: ['validation_failed', 'The intent service refused the request.'],
  [status.RESOURCE_EXHAUSTED]: ['rate_limited', 'The intent service has had enough for now.'],
  [status.UNAUTHENTICATED]: ['forbidden', 'The intent service does not know this caller.'],
  [status.PERMISSION_DENIED]: ['forbidden', 'The intent service does not serve this caller.'],
  [status.UNIMPLEMENTED]: ['not_implemented', 'There is no intent service at this address.'],
  [status.DEADLINE_EXCEEDED]: ['overloaded', 'The intent service did not answer in time.'],
};
const AWAY = ['overloaded', 'The intent service is not available.'] as const;

/** The error that leaves us for one of a call. Only what the far side says of a bad request is told on. */
export function failureOf(error: ServiceError): AppError {
  // The transport's own word for a message above the limit, in either direction.
  if (error.code === status.RESOURCE_EXHAUSTED && /larger than max/i.test(error.details)) {
    return new AppError('payload_too_large', {
      detail: 'A message of the intent service is larger than allowed.',
      cause: error,
    });
  }
  const [code, detail] = CODES[error.code] ?? AWAY;
  const told =
    code === 'validation_failed' ? `${detail} ${error.details.slice(0, MAX_DETAIL_CHARS)}`.trim() : detail;
  return new AppError(code, { detail: told, cause: error });
}

/** An answer that is none. */
export function badAnswer(what: string, cause?: unknown): AppError {
  return new AppError('overloaded', { detail: `The intent service answered what is no ${what}.`, cause });
}

/** The status that tells an error of a service to its caller, and what may be said of it. */
export function statusOf(error: unknown): { code: status; details: string } {
  if (!(error instanceof AppError)) return { code: status.INTERNAL, details: 'internal' };
  const { family, data } = error;
  const problems = (data.errors ?? []).map(({ path, message }) => `${path} ${message}`).join('; ');
  const details = [data.detail, problems].filter(Boolean).join(' ').slice(0, MAX_DETAIL_CHARS);
  if (family === 'invalid' || family === 'malformed') return { code: status.INVALID_ARGUMENT, details };
  if (family === 'rate_limited') return { code: status.RESOURCE_EXHAUSTED, details };
  if (family === 'unavailable') return { code: status.UNAVAILABLE, details };
  return { code: status.INTERNAL, details: 'internal' };
}
