import { patched } from '@temporalio/workflow';
import type { Json } from '../src/contract/json.ts';
import type { KeptEvent } from '../src/contract/workflows.ts';
import { jsonBytes } from './values.ts';

/** Beyond either bound nothing seems to wait for them; what is kept must fit what continue-as-new carries. */
const MAX_EVENTS = 1_000;
const MAX_BYTES = 64 * 1024;
export const KEPT_BOUND = `The run keeps ${MAX_EVENTS} events, of ${MAX_BYTES / 1024} KiB together, that nothing waited for.`;

/** Events that came before the wait for them began. */
export interface KeptEvents {
  /** False when there is no room for it. */
  keep(event: KeptEvent): boolean;
  /** The oldest of this name, which is kept no longer. */
  take(name: string): KeptEvent | undefined;
  /** Oldest first. */
  all(): KeptEvent[];
}

export function createKeptEvents(carried: readonly KeptEvent[] = []): KeptEvents {
  const events = carried.map((event) => ({ event, bytes: bytesOf(event) }));
  let total = events.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    keep(event) {
      const bytes = bytesOf(event);
      if (events.length >= MAX_EVENTS) return false;
      if (total + bytes > MAX_BYTES && patched('bound-kept-bytes')) return false;
      events.push({ event, bytes });
      total += bytes;
      return true;
    },
    take(name) {
      const at = events.findIndex(({ event }) => event.name === name);
      if (at < 0) return undefined;
      const [taken] = events.splice(at, 1);
      total -= taken?.bytes ?? 0;
      return taken?.event;
    },
    all: () => events.map(({ event }) => event),
  };
}

const bytesOf = (event: KeptEvent): number => jsonBytes(event as unknown as Json);
