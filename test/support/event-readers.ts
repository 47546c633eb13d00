import { WebSocket } from 'ws';
import type { ApiClient } from './api-client.ts';

export interface Frame {
  id: string;
  event: { run_id: string; seq: number; type: string };
}

/** Reads from a stream after an id, at most `count` events, then cuts the connection without a word. */
export type Read = (
  api: Pick<ApiClient, 'url' | 'token'>,
  path: string,
  after: string | undefined,
  count: number,
) => Promise<Frame[]>;

/** Over a WebSocket. */
export const readSocket: Read = (api, path, after, count) => {
  const query = after === undefined ? '' : `?last_event_id=${encodeURIComponent(after)}`;
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/api/v1/ws${path}${query}`, {
    headers: { authorization: `Bearer ${api.token}` },
  });
  const frames: Frame[] = [];
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      if (frames.length < count) frames.push(JSON.parse(data.toString()) as Frame);
      if (frames.length >= count) socket.terminate();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(frames));
  });
};

/** As server-sent events. */
export const readSse: Read = async (api, path, after, count) => {
  const abort = new AbortController();
  const headers = {
    authorization: `Bearer ${api.token}`,
    ...(after === undefined ? {} : { 'last-event-id': after }),
  };
  const response = await fetch(`${api.url}/api/v1${path}`, { headers, signal: abort.signal });
  if (response.status === 204) return [];
  if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (framesOf(text).length >= count) break;
  }
  abort.abort();
  return framesOf(text).slice(0, count);
};

function framesOf(text: string): Frame[] {
  const whole = text.slice(0, text.lastIndexOf('\n\n') + 2);
  return [...whole.matchAll(/^id: (.+)\nevent: .+\ndata: (.+)$/gm)].map(([, id = '', data = '']) => ({
    id,
    event: JSON.parse(data) as Frame['event'],
  }));
}
