import { inspect } from 'node:util';

/** A value that shows itself only when asked: logs, JSON and errors print `***`. */
export interface Secret {
  reveal(): string;
  toString(): string;
  toJSON(): string;
}

const HIDDEN = '***';

/** Wraps a secret; the value lives in the closure, so that no walk over the object finds it. */
export function secret(value: string): Secret {
  return Object.freeze({
    reveal: () => value,
    toString: () => HIDDEN,
    toJSON: () => HIDDEN,
    [inspect.custom]: () => HIDDEN,
  });
}
