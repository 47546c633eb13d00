import type { IncomingHttpHeaders } from 'node:http';
import { Pool, type Dispatcher } from 'undici';

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface HttpRequest {
  method: Dispatcher.HttpMethod;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface HttpClient {
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Sends and reads JSON; rejects unless the status is one of `expected`. */
  json<T>(
    expected: readonly number[],
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
  ): Promise<T>;
  close(): Promise<void>;
}

/**
 * Keep-alive connections to one server. Uses undici's dispatch interface without streams and promises in between, so that
 * the generator costs as little as it can.
 */
export function httpClient(
  origin: string,
  options: { connections: number; headers?: Record<string, string> },
): HttpClient {
  const pool = new Pool(origin, { connections: options.connections, pipelining: 1 });
  const common = options.headers ?? {};

  function request({ method, path, headers, body }: HttpRequest): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const sent = headers ? { ...common, ...headers } : common;
      pool.dispatch({ method, path, headers: sent, body }, collector(resolve, reject));
    });
  }

  return {
    request,
    async json<T>(expected: readonly number[], method: Dispatcher.HttpMethod, path: string, body?: unknown) {
      const json = body === undefined ? {} : { headers: JSON_HEADERS, body: JSON.stringify(body) };
      const answer = await request({ method, path, ...json });
      if (expected.includes(answer.status)) return JSON.parse(answer.body.toString()) as T;
      throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body.toString().slice(0, 500)}`);
    },
    close: () => pool.destroy(),
  };
}

const JSON_HEADERS = { 'content-type': 'application/json' };

function collector(
  resolve: (answer: HttpAnswer) => void,
  reject: (error: Error) => void,
): Dispatcher.DispatchHandler {
  const chunks: Buffer[] = [];
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  return {
    onRequestStart: () => undefined,
    onResponseStart(_controller, status_code, got) {
      status = status_code;
      headers = got;
    },
    onResponseData: (_controller, chunk) => void chunks.push(chunk),
    onResponseEnd: () =>
      resolve({ status, headers, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) }),
    onResponseError: (_controller, error) => reject(error),
  };
}
