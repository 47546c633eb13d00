import { AppError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { collect } from '../http/response-body.ts';
import type { ModelOptions } from './language-model.ts';

const MIB = 1024 * 1024;
const MAX_RETRY_AFTER_SECONDS = 3_600;
/** What a header may carry; the platform's own complaint about another value would quote it. */
const KEY = /^[\x21-\x7e]{1,4096}$/;

/** Throws `validation_failed` for settings that no call could be made with. */
export function checkOptions({ base_url, key, model }: ModelOptions): void {
  const errors = [
    ...(URL.canParse(base_url) && /^https?:/i.test(base_url)
      ? []
      : [{ path: '/base_url', message: 'must be an http or https URL' }]),
    ...(KEY.test(key) ? [] : [{ path: '/key', message: 'has characters that a key cannot have' }]),
    ...(model === '' ? [{ path: '/model', message: 'must not be empty' }] : []),
  ];
  if (errors.length > 0)
    throw new AppError('validation_failed', { detail: 'The language model is not set up rightly.', errors });
}

export interface Post {
  /** Below the version: `chat/completions`. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: JsonObject;
  signal: AbortSignal;
}

/** Posts JSON and answers the JSON of a 2xx. Rejects as `LanguageModel.complete` does. */
export async function postJson(options: ModelOptions, { path, headers, body, signal }: Post): Promise<Json> {
  const timeout = AbortSignal.timeout(options.timeout_ms ?? 120_000);
  const url = `${versioned(options.base_url)}/${path}`;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      // A key goes nowhere but to the address it was given for.
      redirect: 'error',
      signal: AbortSignal.any([signal, timeout]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw refusal(response);
    }
    return JSON.parse(await textOf(response, options)) as Json;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) throw error;
    const detail = timeout.aborted
      ? 'The language model did not answer in time.'
      : 'The language model could not be reached, or its answer not be read.';
    throw new AppError('overloaded', { detail });
  }
}

function versioned(base_url: string): string {
  const base = base_url.replace(/\/+$/, '');
  return /\/v\d+$/.test(base) ? base : `${base}/v1`;
}

async function textOf(response: Response, { max_response_bytes = 4 * MIB }: ModelOptions): Promise<string> {
  if (!response.body) return '';
  const limits = { host: 'the language model', max_bytes: max_response_bytes };
  return new TextDecoder('utf-8', { fatal: true }).decode(await collect(response.body, limits));
}

function refusal({ status, headers }: Response): AppError {
  const retry_after_seconds = retryAfter(headers.get('retry-after'));
  if (status === 401 || status === 403)
    return new AppError('forbidden', { detail: 'The language model refused the key.' });
  if (status === 429)
    return new AppError('rate_limited', {
      detail: 'The language model limits the rate of calls.',
      retry_after_seconds,
    });
  if (status >= 500 || status === 408) {
    return new AppError('overloaded', {
      detail: `The language model answered ${status}.`,
      retry_after_seconds,
    });
  }
  return new AppError('validation_failed', {
    detail: `The language model refused the request with ${status}.`,
  });
}

/** Seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = /^\d{1,9}(\.\d{1,9})?$/.test(value)
    ? Number(value)
    : (Date.parse(value) - Date.now()) / 1_000;
  return Number.isFinite(seconds)
    ? Math.min(MAX_RETRY_AFTER_SECONDS, Math.max(0, Math.ceil(seconds)))
    : undefined;
}
