import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { HEADERS, SUBPROTOCOL, type Exchange } from '../fixtures/agent-manager.ts';

/** A record as it is on the wire. */
export type WireAgent = Record<string, unknown> & { id: string };

/** An answer in place of the one by the protocol. */
export interface Odd {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Nothing is answered until it is over. */
  hold?: Promise<unknown>;
  /** What is to have been asked. */
  request?: Exchange['request'];
}

export interface AgentManagerServer {
  url: string;
  agents: Map<string, WireAgent>;
  /** Requests that came, `GET /agents?limit=100`, upgrades too. */
  calls: string[];
  /** What clients did that the protocol does not have. */
  violations: string[];
  restarts: { id: string; requested_by: unknown }[];
  /** The next requests for this path (without its query) are answered so, one after the other. */
  odd(path: string, ...answers: Odd[]): void;
  /** The next request is to be this one, and is answered so. */
  play(exchange: Exchange): void;
  /** Called when the answer to a list is made and not yet sent. */
  onList: () => void;
  /** False: upgrades are answered with 404. */
  has_socket: boolean;
  /** False: it says hello, and then nothing but what it is told to. */
  pings: boolean;
  put(agent: WireAgent): void;
  remove(id: string): void;
  /** Sends this text on every socket. */
  send: (text: string) => void;
  sockets(): number;
  /** Cuts the sockets without a word. */
  cut(): void;
  /** Nobody listens any more, until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const PAGE_SIZE = 100;
const FIRST_REVISION = 1_000;

type Reply = [status: number, body: unknown];

/** An Agent Manager by docs/agent-manager.md, over real sockets. `page_size` bounds its pages, whatever is asked for. */
export async function agentManagerServer({ page_size = PAGE_SIZE } = {}): Promise<AgentManagerServer> {
  const odds = new Map<string, Odd[]>();
  const sockets = new Set<WebSocket>();
  const server = createServer(
    (req, res) => void answer(self, odds.get(pathOf(req)), { req, res, page_size }),
  );
  const self: AgentManagerServer = {
    url: '',
    agents: new Map(),
    calls: [],
    violations: [],
    restarts: [],
    has_socket: true,
    pings: true,
    onList: () => undefined,
    odd: (path, ...answers) => void odds.set(path, [...(odds.get(path) ?? []), ...answers]),
    play: ({ request, answer }) => self.odd(request.path.replace(/\?.*/, ''), { ...answer, request }),
    ...changes(() => self),
    send: (text) => sockets.forEach((socket) => socket.send(text)),
    sockets: () => sockets.size,
    cut: () => sockets.forEach((socket) => socket.terminate()),
    async start() {
      server.listen(self.url === '' ? 0 : Number(new URL(self.url).port), '127.0.0.1');
      await once(server, 'listening');
      self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    async stop() {
      if (!server.listening) return;
      self.cut();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  const acceptor = new WebSocketServer({ noServer: true, handleProtocols: () => SUBPROTOCOL });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refused = refusalOf(self, req);
    if (refused !== undefined) return void socket.end(`HTTP/1.1 ${refused} No\r\nContent-Length: 0\r\n\r\n`);
    acceptor.handleUpgrade(req, socket, head, (accepted) => greet(self, sockets, accepted, pingSeconds(req)));
  });
  await self.start();
  return self;
}

/** What changes agents, and says so on the sockets. */
function changes(self: () => AgentManagerServer): Pick<AgentManagerServer, 'put' | 'remove'> {
  let revision = FIRST_REVISION;
  return {
    put(agent) {
      const next = { ...agent, revision: ++revision };
      self().agents.set(agent.id, next);
      self().send(JSON.stringify({ type: 'agent.updated', agent: next }));
    },
    remove(id) {
      self().agents.delete(id);
      self().send(JSON.stringify({ type: 'agent.removed', id, revision: ++revision }));
    },
  };
}

interface Exchanged {
  req: IncomingMessage;
  res: ServerResponse;
  page_size: number;
}

async function answer(
  self: AgentManagerServer,
  odds: Odd[] = [],
  { req, res, page_size }: Exchanged,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  self.calls.push(`${req.method} ${req.url}`);
  const odd = odds.shift();
  if (odd?.hold) await odd.hold;
  if (odd?.request && differs(odd.request, req, text))
    self.violations.push(`${req.method} ${req.url} ${text}`);
  const [status, body] = odd?.body === undefined ? regular(self, req, { text, page_size }) : [200, odd.body];
  res
    .writeHead(odd?.status ?? status, {
      'content-type': 'application/json',
      'agent-protocol': '1',
      ...odd?.headers,
    })
    .end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The answer by the protocol. */
function regular(
  self: AgentManagerServer,
  req: IncomingMessage,
  { text, page_size }: { text: string; page_size: number },
): Reply {
  if (req.headers.authorization !== HEADERS.authorization) return problem(401, 'unauthenticated');
  if (req.headers['agent-protocol'] !== '1') return problem(406, 'version_not_supported');
  const what = `${req.method} ${pathOf(req)}`;
  if (what === 'GET /agents') return list(self, queryOf(req), page_size);
  const [, method, id = '', action] = /^(GET|POST) \/agents\/([^/]+)(\/restart)?$/.exec(what) ?? [];
  if (method === 'GET' && action === undefined) return one(self, id, 200);
  if (method === 'POST' && action !== undefined) return restart(self, id, text);
  self.violations.push(`${what}: no such route`);
  return problem(404, 'not_found');
}

function list(self: AgentManagerServer, query: URLSearchParams, page_size: number): Reply {
  const limit = Number(query.get('limit'));
  if (!(limit >= 1 && limit <= 100)) self.violations.push(`limit ${limit}`);
  const after = Buffer.from(query.get('cursor') ?? '', 'base64').toString();
  const rest = [...self.agents.values()]
    .filter(({ id }) => id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const agents = rest.slice(0, Math.min(limit, page_size));
  const next = rest.length > agents.length ? Buffer.from(agents.at(-1)!.id).toString('base64') : null;
  self.onList();
  return [200, { agents, next_cursor: next }];
}

function one(self: AgentManagerServer, id: string, status: number): Reply {
  const agent = self.agents.get(id);
  return agent ? [status, { agent }] : problem(404, 'not_found');
}

function restart(self: AgentManagerServer, id: string, text: string): Reply {
  const { requested_by, ...strange } = JSON.parse(text) as Record<string, unknown>;
  if (typeof requested_by !== 'string' || Object.keys(strange).length > 0)
    self.violations.push(`body ${text}`);
  const agent = self.agents.get(id);
  if (!agent) return problem(404, 'not_found');
  if (agent.status === 'stopped' || agent.status === 'lost') return problem(409, 'state_conflict');
  self.restarts.push({ id, requested_by });
  self.put({ ...agent, restart_requested_at: agent.restart_requested_at ?? new Date().toISOString() });
  return one(self, id, 202);
}

/** The status with which an upgrade is refused. */
function refusalOf(self: AgentManagerServer, req: IncomingMessage): number | undefined {
  self.calls.push(`${req.method} ${req.url}`);
  const { authorization, 'sec-websocket-protocol': offered } = req.headers;
  if (authorization !== HEADERS.authorization) return 401;
  if (!self.has_socket) return 404;
  if (offered !== SUBPROTOCOL || pathOf(req) !== '/agents/events' || !(pingSeconds(req) >= 1))
    self.violations.push(`upgrade ${req.url} ${offered}`);
  return undefined;
}

function greet(
  self: AgentManagerServer,
  sockets: Set<WebSocket>,
  socket: WebSocket,
  ping_seconds: number,
): void {
  sockets.add(socket);
  socket.send('{"type":"hello"}');
  const timer = setInterval(() => self.pings && socket.send('{"type":"ping"}'), ping_seconds * 1_000);
  socket.on('message', (data: Buffer) => self.violations.push(`a message: ${data.toString()}`));
  socket.on('close', () => (clearInterval(timer), sockets.delete(socket)));
}

const queryOf = ({ url = '' }: IncomingMessage) => new URL(url, 'http://host').searchParams;
const pingSeconds = (req: IncomingMessage) => Number(queryOf(req).get('ping_seconds'));
const pathOf = ({ url = '' }: IncomingMessage) => url.replace(/\?.*/, '');

const differs = (wanted: Exchange['request'], { method, url }: IncomingMessage, text: string) =>
  method !== wanted.method || url !== wanted.path || text !== (wanted.body ?? '');

function problem(status: number, code: string): Reply {
  return [status, { error: { code, message: "In the manager's own words." } }];
}
