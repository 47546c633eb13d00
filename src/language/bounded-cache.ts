export interface BoundedCache<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): T;
}

/** A cache that forgets the entry unused for longest once it holds more than `capacity`. */
export function boundedCache<T>(capacity: number): BoundedCache<T> {
  const entries = new Map<string, T>();
  // A Map keeps insertion order, so moving an entry to the end on use makes the first the oldest.
  const move = (key: string, value: T): T => {
    entries.delete(key);
    entries.set(key, value);
    return value;
  };
  return {
    get: (key) => {
      const value = entries.get(key);
      return value === undefined ? undefined : move(key, value);
    },
    set: (key, value) => {
      const oldest = entries.keys().next();
      if (entries.size >= capacity && !oldest.done) entries.delete(oldest.value);
      return move(key, value);
    },
  };
}
