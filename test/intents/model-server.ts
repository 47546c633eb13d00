import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import type { Json, JsonObject } from '../../src/contract/json.ts';

interface Recorded {
  status: number;
  headers: Record<string, string>;
  body: Json;
}
export interface Transcript {
  request: { method: string; path: string; headers: Record<string, string>; body: JsonObject };
  answers: Record<
    'ok' | 'refused' | 'cut_off' | 'wrong_key' | 'rate_limited' | 'bad_request' | 'server_error',
    Recorded
  >;
}

export function transcriptOf(name: 'openai' | 'anthropic'): Transcript {
  const file = new URL(`transcripts/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Transcript;
}

export interface ModelServer {
  url: string;
  /** What was sent, the connection's own headers aside. */
  requests: { method: string; path: string; headers: Record<string, unknown>; body: unknown }[];
  /** The next answers; the last one stays. */
  answer(
    ...answers: { status: number; headers?: Record<string, string>; body: Json | Buffer; never?: boolean }[]
  ): void;
  close(): Promise<void>;
}

/** A server on a real socket that keeps what it is sent and answers what it is told. */
export async function modelServer(): Promise<ModelServer> {
  const requests: ModelServer['requests'] = [];
  let answers: Parameters<ModelServer['answer']> = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { method = '', url = '', headers } = request;
      requests.push({ method, path: url, headers, body });
      const [next] = answers.length > 1 ? answers.splice(0, 1) : answers;
      if (!next || next.never) return;
      response.writeHead(next.status, next.headers);
      response.end(Buffer.isBuffer(next.body) ? next.body : JSON.stringify(next.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (...given) => (answers = given),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
