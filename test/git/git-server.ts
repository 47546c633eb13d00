import { execFileSync, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { certificateFor } from './certificate.ts';

export interface GitServer {
  port: number;
  cert: string;
  /** The requests so far: method and path, and the account they came with. */
  seen: { what: string; authorization: string | undefined }[];
  /** Answers in place of git while set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
}

/** Git's own smart HTTP server behind TLS, for the repositories below a directory; gone after the test file. */
export function gitServer(host: string, project_root: string): GitServer {
  const { cert, key } = certificateFor(host);
  const state: GitServer = { port: 0, cert, seen: [], instead: undefined };
  const server = https.createServer({ cert, key }, (request, response) => {
    state.seen.push({
      what: `${request.method} ${request.url}`,
      authorization: request.headers.authorization,
    });
    if (state.instead) state.instead(request, response);
    else backend(project_root, request, response);
  });
  beforeAll(
    () =>
      new Promise<void>((done) =>
        server.listen(0, '127.0.0.1', () => {
          state.port = (server.address() as AddressInfo).port;
          done();
        }),
      ),
  );
  beforeEach(() => Object.assign(state, { seen: [], instead: undefined }));
  afterAll(() => new Promise((done) => (server.close(done), server.closeAllConnections())));
  return state;
}

function backend(project_root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'https://host');
  const program = path.join(execFileSync('git', ['--exec-path']).toString().trim(), 'git-http-backend');
  const child = spawn(program, {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: project_root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'uploadpack.allowFilter',
      GIT_CONFIG_VALUE_0: 'true',
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!head) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const lines = head.toString('latin1', 0, end).split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => line.split(': ', 2) as [string, string]));
    response.writeHead(Number(headers.Status?.slice(0, 3) ?? 200), headers);
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.stdout.on('end', () => response.end());
}
