import type { Json } from '../contract/json.ts';

/** With the `u` flag a pair is one code point, so this finds only a surrogate that stands alone. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Deeper than any document we accept (64), far from any stack limit. */
const MAX_DEPTH = 512;

/**
 * The canonical text of a JSON value (RFC 8785, JCS): no white space, members sorted by UTF-16 code units, numbers
 * as ECMAScript prints them. Two equal values have one text, whatever the order of their keys.
 * Throws `TypeError` for what has no canonical form: NaN, ±Infinity, a lone surrogate, anything that is not JSON.
 */
export function canonicalJson(value: Json): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'boolean' || value === null) return String(value);
  if (typeof value !== 'object') throw new TypeError(`A ${typeof value} is not JSON.`);
  if (depth >= MAX_DEPTH) throw new TypeError(`The value is nested deeper than ${MAX_DEPTH}.`);
  return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
}

function writeString(value: string): string {
  if (LONE_SURROGATE.test(value))
    throw new TypeError('A string with a lone surrogate has no canonical form.');
  return JSON.stringify(value);
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} is not JSON.`);
  return JSON.stringify(value);
}

function writeArray(items: readonly unknown[], depth: number): string {
  const parts: string[] = [];
  for (let i = 0; i < items.length; i++) parts.push(write(items[i], depth));
  return `[${parts.join(',')}]`;
}

function writeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A Date, a Map or a class instance would silently become `{}`. Compared by shape: a workflow's sandbox and the
  // host have different `Object.prototype`s.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new TypeError('Only plain objects are JSON.');
  }
  const record = value as Record<string, unknown>;
  // The default sort compares UTF-16 code units, which is what RFC 8785 §3.2.3 asks for.
  const members = Object.keys(record).sort();
  return `{${members.map((key) => `${writeString(key)}:${write(record[key], depth)}`).join(',')}}`;
}
