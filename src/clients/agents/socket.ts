import { WebSocket } from 'ws';
import { ManagerFailure } from './failure.ts';
import { readEvent, type ManagerEvent } from './wire.ts';

export interface SocketOptions {
  /** Without a slash at the end. */
  base_url: string;
  /** Never shown. */
  token?: string;
  connect_timeout_ms: number;
  /** How often the manager is asked to be heard of, at least. */
  ping_seconds: number;
  /** Certificates to trust in place of the system's. */
  ca?: string;
}

export interface EventListener {
  /** Each event but the first `hello`, in order. */
  onEvent: (event: ManagerEvent) => void;
  /** A message that cannot be read. */
  onMalformed: () => void;
}

export interface EventSocket {
  /** Resolves once it is closed, by whomever. */
  closed: Promise<void>;
  cut(): void;
}

const SUBPROTOCOL = 'agents.v1';
const MAX_MESSAGE_BYTES = 64 * 1024;
/** So many pings missed, and nobody is there any more. */
const PINGS_MISSED = 2;

/**
 * Opens the socket of the manager's events; resolves with its `hello`. A manager that is silent is cut off. Throws
 * `ManagerFailure`. It goes to the address of the configuration and follows no redirect, so it needs no guard.
 */
export async function openEvents(
  { base_url, token, connect_timeout_ms, ping_seconds, ca }: SocketOptions,
  { onEvent, onMalformed }: EventListener,
  signal: AbortSignal,
): Promise<EventSocket> {
  signal.throwIfAborted();
  const socket = new WebSocket(
    `${base_url.replace(/^http/i, 'ws')}/agents/events?ping_seconds=${ping_seconds}`,
    SUBPROTOCOL,
    {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      handshakeTimeout: connect_timeout_ms,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
      rejectUnauthorized: true,
      ca,
    },
  );
  const cut = () => socket.terminate();
  signal.addEventListener('abort', cut);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return new Promise((resolve, reject) => {
    let is_greeted = false;
    let silence = setTimeout(cut, connect_timeout_ms);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(cut, PINGS_MISSED * ping_seconds * 1_000);
    };
    socket.on('error', (error) => reject(notOpened(error)));
    socket.on('close', () => {
      clearTimeout(silence);
      signal.removeEventListener('abort', cut);
      reject(notOpened());
    });
    socket.on('message', (data: Buffer, is_binary) => {
      const event = is_binary ? undefined : readEvent(data.toString('utf8'));
      if (!is_greeted && (typeof event !== 'object' || event.type !== 'hello')) return cut();
      heard();
      if (event === undefined) return onMalformed();
      if (event === 'ignored') return;
      if (is_greeted) return onEvent(event);
      is_greeted = true;
      resolve({ closed, cut });
    });
  });
}

const notOpened = (cause?: unknown) =>
  new ManagerFailure('unavailable', 'The agent manager has no socket for its events.', cause);
