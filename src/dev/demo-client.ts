import { randomUUID } from 'node:crypto';
import type { DevFile } from './dev-file.ts';

/** A call that was answered with anything but success. */
export class DemoCallError extends Error {
  readonly status: number;

  constructor(what: string, status: number, problem: string) {
    super(`${what} answered ${status}: ${problem}`);
    this.status = status;
  }
}

export interface DemoClient {
  /** A JSON call; answers the body. Writes carry an Idempotency-Key of their own. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  putBlob(cas_id: string, bytes: Uint8Array): Promise<void>;
  getBlob(cas_id: string): Promise<Uint8Array>;
  /** A server-sent event stream from after the event `after`; the caller reads the body. */
  openStream(path: string, after: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

/** Talks to the API named in dev.json, below `/api/v1`. */
export function demoClient(stack: DevFile): DemoClient {
  const send = async (
    path: string,
    init: RequestInit,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const response = await fetch(`${stack.api_url}/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${stack.token}`, ...headers },
    });
    if (response.ok) return response;
    throw new DemoCallError(`${init.method ?? 'GET'} ${path}`, response.status, await problemOf(response));
  };
  return {
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await send(path, { method, body: JSON.stringify(body) }, writeHeaders(method));
      return (await response.json()) as T;
    },
    async putBlob(cas_id, bytes) {
      const headers = { 'content-type': 'application/octet-stream' };
      await (await send(`/blobs/${cas_id}`, { method: 'PUT', body: bytes }, headers)).arrayBuffer();
    },
    async getBlob(cas_id) {
      return new Uint8Array(await (await send(`/blobs/${cas_id}`, {})).arrayBuffer());
    },
    async openStream(path, after, signal) {
      const headers = {
        accept: 'text/event-stream',
        ...(after > 0 ? { 'last-event-id': String(after) } : {}),
      };
      const { body } = await send(path, { signal }, headers);
      if (!body) throw new Error(`${path} answered without a body`);
      return body;
    },
  };
}

/** True when the API behind a dev.json answers to its token: another program may sit on the port by now. */
export async function answers(stack: DevFile): Promise<boolean> {
  try {
    const [ready, known] = await Promise.all([
      fetch(`${stack.api_url}/ready`, { signal: AbortSignal.timeout(2_000) }),
      fetch(`${stack.api_url}/api/v1/capabilities`, {
        headers: { authorization: `Bearer ${stack.token}` },
        signal: AbortSignal.timeout(2_000),
      }),
    ]);
    await Promise.all([ready.arrayBuffer(), known.arrayBuffer()]);
    return ready.ok && known.ok;
  } catch {
    return false;
  }
}

function writeHeaders(method: string): Record<string, string> {
  return method === 'GET' ? {} : { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
}

/** The problem document in one line. */
async function problemOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { title, detail, errors } = JSON.parse(text) as {
      title?: string;
      detail?: string;
      errors?: { path: string; message: string }[];
    };
    const problems = (errors ?? []).map((error) => `${error.path}: ${error.message}`);
    return [detail ?? title ?? text, ...problems].join('; ');
  } catch {
    return text.slice(0, 500);
  }
}
