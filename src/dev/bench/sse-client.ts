import { get } from 'node:http';

interface Place {
  url: string;
  token: string;
}

/** Reads the stream of a run; `onChunk` gets the bytes as they come. Resolves when the server has ended it. */
function streamOf({ url, token }: Place, run_id: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const request = get(
      `${url}/api/v1/runs/${run_id}/events/stream`,
      { headers, agent: false },
      (response) => {
        if (response.statusCode !== 200)
          return reject(new Error(`The stream answered ${response.statusCode}`));
        response.on('data', onChunk).once('end', resolve).once('error', reject);
      },
    );
    request.once('error', reject);
  });
}

/** A client that only counts what it reads: the generator shares the machine with the product. */
export function countedStream(
  place: Place,
  run_id: string,
): { first: Promise<void>; closed: Promise<number> } {
  let count = 0;
  let tail = Buffer.alloc(0);
  let seen = () => {};
  const first = new Promise<void>((resolve) => (seen = resolve));
  const closed = streamOf(place, run_id, (chunk) => {
    const bytes = Buffer.concat([tail, chunk]);
    for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, at + 1)) count += 1;
    // Shorter than what is looked for, so that nothing is counted twice.
    tail = bytes.subarray(-(EVENT.length - 1));
    seen();
  });
  return { first, closed: closed.then(() => count) };
}

// Every event has one such line, and its JSON has no line feeds.
const EVENT = '\nevent: ';

/** Waits for events of one type, by the id in their data. */
export function wantedEvent(place: Place, run_id: string, type: string) {
  let text = '';
  const waiting = new Map<string, () => void>();
  const closed = streamOf(place, run_id, (chunk) => {
    text += chunk.toString('utf8');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      const event =
        data === undefined ? undefined : (JSON.parse(data) as { type: string; data: { id?: string } });
      if (event?.type === type) waiting.get(event.data.id ?? '')?.();
    }
  });
  return {
    closed,
    next: (id: string) => new Promise<void>((resolve) => void waiting.set(id, resolve)),
  };
}
