import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { AppError } from '../../contract/errors.ts';
import type { Refiner } from '../../contract/spec-engine.ts';
import {
  readRequest,
  requireToken,
  send,
  sendProblem,
  statusOf,
  targetOf,
  type Target,
} from './server-request.ts';
import { streamThread } from './server-stream.ts';
import { threadStore, type ThreadLimits, type Threads } from './threads.ts';

export interface SpecEngineServerOptions {
  refiner: Refiner;
  /** `host:port`; port 0 is any free one. */
  address: string;
  /** Asked for in `Authorization: Bearer`, where one is set. */
  token?: string;
  /** So long a thread may be worked on. */
  work_ms: number;
  onError: (error: unknown) => void;
  now?: () => number;
  limits?: Partial<ThreadLimits>;
  /** A stream whose reader takes nothing for so long is cut off. */
  stall_ms?: number;
}

export interface SpecEngineServer {
  port: number;
  /** Lets requests under way end for so long, then cuts them off. */
  stop(options?: { grace_ms?: number }): Promise<void>;
}

const MAX_SOCKETS = 256;
const MAX_CONNECTIONS = 1_024;
const PING_MS = 20_000;
/** Clients have nothing to say on a stream. */
const MAX_MESSAGE_BYTES = 1_024;

/** Serves the protocol of docs/spec-engine.md. Rejects when the address cannot be had. */
export async function serveSpecEngine(options: SpecEngineServerOptions): Promise<SpecEngineServer> {
  const threads = threadStore({ ...options, now: options.now ?? Date.now });
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: 30_000, headersTimeout: 10_000 },
    (req, res) => {
      answer(req, res, { ...options, threads }).catch((error: unknown) => fail(res, error, options.onError));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('upgrade', (req, socket, head) => upgrade({ req, socket, head }, { options, threads, sockets }));
  const [, host = '127.0.0.1', port = '0'] = /^(.*):(\d+)$/.exec(options.address) ?? [];
  server.listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'));
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: ({ grace_ms = 0 } = {}) => stop(server, { threads, sockets, grace_ms }),
  };
}

type Answering = SpecEngineServerOptions & { threads: Threads };

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  { threads, token, refiner }: Answering,
): Promise<void> {
  const { name, thread_id } = targetOf(req);
  if (name === 'health') return send(res, { status: 200, body: { status: 'ok', engine: refiner.engine } });
  requireToken(req, token);
  if (name === 'stream') throw new AppError('upgrade_required');
  if (name === 'invoke') {
    const request = await readRequest(req);
    threads.invoke(request);
    return send(res, { status: 202, body: { thread_id: request.thread_id, status: 'processing' } });
  }
  if (req.method === 'DELETE') {
    threads.forget(thread_id);
    res.writeHead(204).end();
    return;
  }
  const state = threads.state(thread_id);
  if (!state) throw new AppError('not_found');
  send(res, { status: 200, body: state });
}

function fail(res: ServerResponse, error: unknown, onError: (error: unknown) => void): void {
  if (statusOf(error) === 500 && !res.destroyed) onError(error);
  if (res.headersSent || res.destroyed) return void res.destroy();
  sendProblem(res, error);
}

interface Upgrade {
  req: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

interface Serving {
  options: SpecEngineServerOptions;
  threads: Threads;
  sockets: WebSocketServer;
}

function upgrade({ req, socket, head }: Upgrade, { options, threads, sockets }: Serving): void {
  socket.on('error', () => undefined);
  try {
    const target = targetOf(req);
    requireToken(req, options.token);
    if (target.name !== 'stream' || !threads.state(target.thread_id)) throw new AppError('not_found');
    const after = afterOf(target);
    if (sockets.clients.size >= MAX_SOCKETS) throw new AppError('overloaded');
    sockets.handleUpgrade(req, socket, head, (accepted) => {
      const { stall_ms = 30_000 } = options;
      streamThread(accepted, { threads, thread_id: target.thread_id, after, stall_ms, ping_ms: PING_MS });
    });
  } catch (error) {
    if (statusOf(error) === 500) options.onError(error);
    socket.end(`HTTP/1.1 ${statusOf(error)} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }
}

function afterOf({ query }: Target): number {
  const after = query.get('after') ?? '0';
  if (!/^\d{1,9}$/.test(after)) throw new AppError('malformed_request');
  return Number(after);
}

async function stop(
  server: Server,
  { threads, sockets, grace_ms }: { threads: Threads; sockets: WebSocketServer; grace_ms: number },
): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  threads.close();
  const cut = () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
  };
  const late = setTimeout(cut, grace_ms);
  server.closeIdleConnections();
  await closed;
  clearTimeout(late);
  cut();
}
