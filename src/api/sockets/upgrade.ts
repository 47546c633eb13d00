import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Express, Request, Response } from 'express';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError } from '../../contract/errors.ts';
import { takeToken } from './token.ts';

interface Upgrade {
  socket: Duplex;
  head: Buffer;
}

/** What came with a request that asks for another protocol. */
const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The protocol a client may name; the answer to a client that names any must name one of them. */
export const SUBPROTOCOL = 'orchestrator.v1';
/** Clients have nothing to say here. */
const MAX_MESSAGE_BYTES = 1_024;

/**
 * Sends requests for an upgrade through the application like all others, so that who may do what, limits, and refusals are
 * the same; the handler then accepts with `acceptSocket`.
 */
export function serveUpgrades(server: Server, app: Express, Answer: typeof ServerResponse): void {
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    // Node has stopped reading requests on this connection: a body could not be read any more.
    if (req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined) {
      return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    }
    takeToken(req);
    upgrades.set(req, { socket, head });
    const res = new Answer(req);
    res.shouldKeepAlive = false;
    res.assignSocket(socket as Socket);
    res.once('finish', () => socket.end());
    app(req as Request, res as Response);
  });
}

/** Accepts the WebSocket a request asks for. Throws `upgrade_required` when it asks for none, `malformed_request` for a bad handshake. */
export function acceptSocket(req: Request, res: Response): Promise<WebSocket> {
  const upgrade = upgrades.get(req);
  if (!upgrade || req.headers.upgrade?.toLowerCase() !== 'websocket') throw new AppError('upgrade_required');
  const { socket, head } = upgrade;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : [...offered][0]!),
  });
  return new Promise((resolve, reject) => {
    server.once('wsClientError', () =>
      reject(new AppError('malformed_request', { detail: 'The WebSocket handshake is not valid.' })),
    );
    server.handleUpgrade(req, socket, head, (accepted) => {
      res.detachSocket(socket as Socket);
      // The request is answered; what follows is no part of it.
      res.statusCode = 101;
      res.emit('close');
      resolve(accepted);
    });
  });
}
