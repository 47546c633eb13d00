import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

interface BodyRule {
  required: string[];
  optional: string[];
  nested?: Record<string, BodyRule>;
}

interface Route {
  name: string;
  method: string;
  path: string;
  query: string[];
  body?: BodyRule;
  status: number;
  answer: unknown;
}

export interface Transcript {
  base: string;
  headers: Record<string, string>;
  routes: Route[];
  errors: Record<string, { status: number; headers: Record<string, string>; body: unknown }>;
}

export type Fields = Record<string, unknown>;
export interface Call {
  name: string;
  params: Record<string, string>;
  query: URLSearchParams;
  body: Fields;
  /** What the transcript answers, to be filled in. */
  answer: unknown;
}
export interface Answer {
  body: unknown;
  headers?: Record<string, string>;
  /** The name of an error of the transcript, in place of a body. */
  error?: string;
}

export interface HostServer {
  url: string;
  transcript: Transcript;
  calls: Call[];
  /** What a client did that the transcript does not know; must be empty at the end. */
  violations: string[];
  /** Errors to give to the next calls of a route, before it does anything. */
  failures: { name: string; error: string; headers?: Record<string, string>; after?: boolean }[];
  /** What the transcript answers to a route, to be changed in place. */
  answerOf(name: string): unknown;
}

/** A server that takes what the transcript of a protocol describes, and nothing else; `handle` keeps the state. */
export function hostServer(protocol: string, handle: (call: Call) => Answer): HostServer {
  const file = path.join(import.meta.dirname, 'transcripts', `${protocol}.json`);
  const transcript = JSON.parse(readFileSync(file, 'utf8')) as Transcript;
  const answerOf = (wanted: string) => transcript.routes.find(({ name }) => name === wanted)!.answer;
  const state: HostServer = { url: '', transcript, calls: [], violations: [], failures: [], answerOf };
  const server = http.createServer((request, response) => {
    void readAll(request).then((text) => {
      const send = (status: number, headers: Record<string, string>, body: unknown) =>
        response
          .writeHead(status, { 'content-type': 'application/json', ...headers })
          .end(typeof body === 'string' ? body : JSON.stringify(body));
      const sendError = (name: string, more: Record<string, string> = {}) => {
        const error = transcript.errors[name]!;
        send(error.status, { ...error.headers, ...more }, error.body);
      };
      const found = check(transcript, request, text);
      if ('violation' in found) {
        state.violations.push(found.violation);
        return sendError('not_found');
      }
      const { route, call } = found;
      state.calls.push(call);
      const at = state.failures.findIndex(({ name }) => name === call.name);
      const [failure] = at === -1 ? [] : state.failures.splice(at, 1);
      if (failure && !failure.after) return sendError(failure.error, failure.headers);
      const answer = handle(call);
      if (failure) return sendError(failure.error, failure.headers);
      if (answer.error !== undefined) return sendError(answer.error, answer.headers);
      send(route.status, answer.headers ?? {}, answer.body);
    });
  });
  beforeAll(
    () =>
      new Promise<void>((done) =>
        server.listen(0, '127.0.0.1', () => {
          state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${transcript.base}`;
          done();
        }),
      ),
  );
  beforeEach(() => Object.assign(state, { calls: [], violations: [], failures: [] }));
  afterEach(() => expect(state.violations).toEqual([]));
  afterAll(() => new Promise((done) => (server.close(done), server.closeAllConnections())));
  return state;
}

function check(
  transcript: Transcript,
  request: http.IncomingMessage,
  text: string,
): { violation: string } | { route: Route; call: Call } {
  const url = new URL(request.url ?? '/', 'http://host');
  const what = `${request.method} ${url.pathname}`;
  for (const [name, pattern] of Object.entries(transcript.headers)) {
    const value = request.headers[name];
    if (typeof value !== 'string' || !new RegExp(pattern).test(value))
      return { violation: `${what}: header ${name}` };
  }
  for (const route of transcript.routes) {
    const params =
      request.method === route.method ? matched(transcript.base + route.path, url.pathname) : null;
    if (!params) continue;
    const strange = [...url.searchParams.keys()].find((name) => !route.query.includes(name));
    if (strange !== undefined) return { violation: `${what}: query ${strange}` };
    const body = (text === '' ? {} : JSON.parse(text)) as Fields;
    if (text !== '' && request.headers['content-type'] !== 'application/json')
      return { violation: `${what}: content-type` };
    const problem = bodyProblem(body, route.body ?? { required: [], optional: [] });
    if (problem !== null) return { violation: `${what}: ${problem}` };
    const answer = structuredClone(route.answer);
    return { route, call: { name: route.name, params, query: url.searchParams, body, answer } };
  }
  return { violation: `${what}: no such route` };
}

function matched(template: string, pathname: string): Record<string, string> | null {
  const [expected, given] = [template.split('/'), pathname.split('/')];
  if (expected.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of expected.entries()) {
    const value = given[i]!;
    if (part.startsWith('{')) params[part.slice(1, -1)] = decodeURIComponent(value);
    else if (part !== value) return null;
  }
  return params;
}

function bodyProblem(body: Fields, rule: BodyRule): string | null {
  const missing = rule.required.find((name) => body[name] === undefined || body[name] === null);
  if (missing !== undefined) return `body without ${missing}`;
  const strange = Object.keys(body).find((name) => ![...rule.required, ...rule.optional].includes(name));
  if (strange !== undefined) return `body with ${strange}`;
  for (const [name, nested] of Object.entries(rule.nested ?? {})) {
    const problem = bodyProblem(body[name] as Fields, nested);
    if (problem !== null) return `${name}: ${problem}`;
  }
  return null;
}

async function readAll(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
