import type { Definition } from '../contract/definition.ts';

export interface DocumentCache {
  get(key: string): Definition | undefined;
  set(key: string, document: Definition, size_bytes: number): void;
}

/** Parsed documents take about this many times their canonical text. */
const HEAP_FACTOR = 4;

/**
 * Documents by key, the one unused for longest forgotten first once they hold more than `max_bytes` of memory
 * together. What comes out is shared and therefore frozen.
 */
export function documentCache(max_bytes: number): DocumentCache {
  const entries = new Map<string, { document: Definition; weight: number }>();
  let total = 0;
  const remove = (key: string) => {
    total -= entries.get(key)?.weight ?? 0;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (!entry) return undefined;
      // A Map keeps insertion order, so the first key is always the one unused for longest.
      entries.delete(key);
      entries.set(key, entry);
      return entry.document;
    },
    set: (key, document, size_bytes) => {
      remove(key);
      entries.set(key, { document, weight: size_bytes * HEAP_FACTOR });
      total += size_bytes * HEAP_FACTOR;
      for (const oldest of entries.keys()) {
        if (total <= max_bytes) break;
        remove(oldest);
      }
    },
  };
}

/** Freezes a JSON value to its leaves. What is frozen already is skipped, so a patched document costs its new parts. */
export function freezeJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freezeJson(inner);
  return Object.freeze(value);
}
