import { AppError } from '../../contract/errors.ts';

export type HttpFailureCode =
  | 'request_invalid'
  | 'connection_failed'
  | 'dns_failed'
  | 'tls_failed'
  | 'timeout'
  | 'response_too_large'
  | 'response_invalid'
  | 'too_many_redirects';

/**
 * Why a call came to nothing; the message names the host at most, never a path, a query, a header or an address
 * that a name stands for. The far side's fault, so it is no `AppError`: those tell what went wrong on ours.
 */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly code: HttpFailureCode;

  constructor(code: HttpFailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const MESSAGES: Readonly<Record<HttpFailureCode, (host: string) => string>> = {
  request_invalid: (host) => `The request to ${host} could not be written.`,
  connection_failed: (host) => `The connection to ${host} failed.`,
  dns_failed: (host) => `The name ${host} could not be resolved.`,
  tls_failed: (host) => `No trusted TLS connection to ${host} could be made.`,
  timeout: (host) => `${host} did not answer in time.`,
  response_too_large: (host) => `The answer of ${host} is larger than allowed.`,
  response_invalid: (host) => `The answer of ${host} could not be read.`,
  too_many_redirects: (host) => `${host} redirects too many times.`,
};

export function httpFailure(code: HttpFailureCode, host: string, cause?: unknown): HttpFailure {
  return new HttpFailure(code, MESSAGES[code](host), cause);
}

/** Codes of Node, OpenSSL, llhttp and undici, by what they mean to a caller; the first match counts. */
const CODES: readonly (readonly [RegExp, HttpFailureCode])[] = [
  [/^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL|EDNS)/, 'dns_failed'],
  [/^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, 'timeout'],
  [/^(UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES_EXCEEDED_MAX_SIZE|ERR_BUFFER_TOO_LARGE)$/, 'response_too_large'],
  [
    /^(HPE_|HTTPParserError$|Z_|ERR_BROTLI|ERR__ERROR_|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|UND_ERR_RESPONSE)/,
    'response_invalid',
  ],
  [
    /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|ERR_OSSL)/,
    'tls_failed',
  ],
  [/^(UND_ERR_INVALID_ARG|UND_ERR_REQ_CONTENT_LENGTH_MISMATCH|ERR_INVALID_CHAR)/, 'request_invalid'],
  [/^(UND_ERR_|E[A-Z0-9]+$)/, 'connection_failed'],
];

/** The failure that an error of the transport means; what is not the transport's (a defect) comes back as it is. */
export function failureOf(error: unknown, host: string): unknown {
  if (error instanceof HttpFailure || error instanceof AppError) return error;
  const { code: given, name } = (error ?? {}) as NodeJS.ErrnoException;
  // The parser's errors often have no code, only their name.
  const code = String(given ?? name ?? '');
  const meaning = CODES.find(([pattern]) => pattern.test(code))?.[1];
  return meaning ? httpFailure(meaning, host, error) : error;
}
