import type { Json } from '../../contract/json.ts';

/** A JSON Pointer (RFC 6901) as its unescaped tokens; empty for the whole document. */
export type Pointer = readonly string[];
export type Container = Json[] | { [key: string]: Json };

const BAD_ESCAPE = /~(?![01])/;
const INDEX = /^(0|[1-9][0-9]*)$/;

/** Reads a pointer; undefined when the text is none. */
export function parsePointer(text: string): Pointer | undefined {
  if (text === '') return [];
  if (!text.startsWith('/') || BAD_ESCAPE.test(text)) return undefined;
  // `~1` first: `~01` means `~1`, not `/` (RFC 6901 §4).
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** One token as it is written in a pointer. */
export const escapeToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');

/** A pointer as it is written. */
export const textOf = (pointer: Pointer): string => pointer.map((token) => `/${escapeToken(token)}`).join('');

export const isContainer = (value: Json | undefined): value is Container =>
  typeof value === 'object' && value !== null;

/** The key a token means in a container: any token in an object, an index or `-` in an array; undefined for none. */
export function keyIn(container: Container, token: string): string | undefined {
  return !Array.isArray(container) || token === '-' || INDEX.test(token) ? token : undefined;
}

/** The containers one patch has copied and may therefore change. */
export interface Workspace {
  /** The container itself when this patch made it, else a shallow copy that it owns from now on. */
  own(container: Container): Container;
  /** Sets a member as plain data, whatever its name. */
  put(container: Container, key: string, value: Json): void;
}

/**
 * Copying each container at most once keeps 1,000 operations on one large object linear. It is safe because no owned
 * container is ever reachable twice: `copy` clones what it takes.
 */
export function workspace(): Workspace {
  const owned = new WeakSet<object>();
  return {
    own: (container) => {
      if (owned.has(container)) return container;
      const copy = Array.isArray(container) ? container.slice() : { ...container };
      owned.add(copy);
      return copy;
    },
    put: (container, key, value) => {
      // Plain assignment would call the setter that objects inherit under this name.
      if (key === '__proto__') {
        Object.defineProperty(container, key, {
          value,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      } else (container as { [key: string]: Json })[key] = value;
    },
  };
}
