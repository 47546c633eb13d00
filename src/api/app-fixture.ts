import type { AddressInfo } from 'node:net';
import { NO_METRICS } from '../contract/metrics.ts';
import type { IdempotencyService } from '../domain/idempotency.ts';
import { createApp, type AppOptions } from './app.ts';
import { apiServer } from './app-server.ts';
import { bearerAuthentication } from './middleware/bearer.ts';
import type { ProblemDocument } from './error-handler.ts';
import { ADMIN_USER_ID, type Principal } from '../contract/principal.ts';
import type { Route } from './route.ts';

export const TOKEN = 'test-token-test-token-test-token-test';
export const OWNER: Principal = {
  id: 'token:test',
  user_id: ADMIN_USER_ID,
  role: 'owner',
  permissions: ['tag:break_glass', 'installation:administer'],
};
export const PROJECT_ID = '00000000-0000-7000-8000-000000000001';
export const OTHER_PROJECT_ID = '00000000-0000-7000-8000-000000000002';

export interface TestApi {
  url: string;
  /** What was logged as a failure of ours. */
  failures: unknown[];
  /** A request with a token; a `body` that is no text is sent as JSON. */
  call(method: string, path: string, options?: CallOptions): Promise<TestAnswer>;
  close(): Promise<void>;
}

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
}

export interface TestAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON. */
  json<T = ProblemDocument>(): T;
}

/** The real application, listening on a free port, over routes of the test's own. */
export async function listeningApi(
  routes: readonly Route[],
  options: Partial<AppOptions> = {},
): Promise<TestApi> {
  const failures: unknown[] = [];
  const app = createApp({ ...defaults(failures), routes, ...options });
  const server = apiServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    failures,
    call: (method, path, call) => request(url + path, method, call),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An idempotency service for tests that never send a key. */
export const NO_KEYS: IdempotencyService = {
  begin: () => Promise.reject(new Error('no key was expected')),
  sweep: () => Promise.resolve(0),
};

export const LIMITS = {
  body_bytes: 4096,
  blob_bytes: 8192,
  bundle_bytes: 65_536,
  heartbeat_bytes: 2048,
  json_depth: 64,
  rate_per_second: 10_000,
  rate_burst: 100_000,
};

function defaults(failures: unknown[]): Omit<AppOptions, 'routes'> {
  const note = (line: unknown) => void failures.push(line);
  const ignore = () => undefined;
  return {
    authenticate: bearerAuthentication([{ token: TOKEN, principal: OWNER }]),
    projects: {
      default_project_id: PROJECT_ID,
      statusOf: (id) => ([PROJECT_ID, OTHER_PROJECT_ID].includes(id) ? 'active' : undefined),
    },
    idempotency: NO_KEYS,
    audit: { append: () => Promise.resolve() },
    logger: { debug: ignore, info: ignore, warn: ignore, error: note },
    metrics: NO_METRICS,
    limits: LIMITS,
    openapi: { title: 'Test', version: '0.0.0' },
    translateError: (error) => error,
    verify_replies: true,
  };
}

async function request(
  url: string,
  method: string,
  { body, headers }: CallOptions = {},
): Promise<TestAnswer> {
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const all = { authorization: `Bearer ${TOKEN}`, ...type, ...headers };
  const response = await fetch(url, { method, body: payload, headers: all });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T };
}
