import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';

import type { Json } from '../contract/json.ts';
import { base64 } from './bytes.ts';
import { originOf } from './cel-value.ts';
import { charge } from './cost.ts';
import { LanguageFault } from './expression-error.ts';
import { EXPRESSION_LIMITS } from './limits.ts';

interface Room {
  nodes: number;
  chars: number;
}

/**
 * A CEL value as JSON again: ints become numbers, timestamps RFC 3339 text, durations `3.5s`, bytes base64.
 * What came from JSON is handed back as it was, not copied.
 * Throws `LanguageFault` for what JSON cannot hold (NaN, ±Infinity, an int beyond ±2^53, a type) and for results
 * above the limits: a value may share its parts many times over, and JSON would unfold them. Must run `metered`.
 */
export function toJson(value: unknown): Json {
  return convert(value, { nodes: EXPRESSION_LIMITS.result_nodes, chars: EXPRESSION_LIMITS.result_chars }, 0);
}

function convert(value: unknown, room: Room, depth: number): Json {
  if (--room.nodes < 0) throw tooLarge();
  charge(1);
  switch (typeof value) {
    case 'string':
      return text(value, room);
    case 'bigint':
      return integer(value);
    case 'number':
      return double(value);
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : compound(value, room, depth + 1);
    default:
      throw new LanguageFault(`a ${typeof value} is not JSON`);
  }
}

function text(value: string, room: Room): string {
  room.chars -= value.length;
  if (room.chars < 0) throw tooLarge();
  return value;
}

function integer(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new LanguageFault(`the integer ${value} is beyond ±(2^53 - 1): use string() or double()`);
}

function double(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new LanguageFault(`${value} is not JSON`);
}

function compound(value: object, room: Room, depth: number): Json {
  if (depth > EXPRESSION_LIMITS.value_depth) throw tooLarge();
  const origin = originOf(value);
  if (origin !== undefined) return shared(origin, room, depth);
  if (Array.isArray(value)) return value.map((item) => convert(item, room, depth));
  if (value instanceof Map) {
    return Object.fromEntries(
      [...value].map(([key, item]) => [text(String(key), room), convert(item, room, depth)]),
    );
  }
  return scalarObject(value);
}

/** Counts JSON that is handed back as it is. */
function shared(value: Json, room: Room, depth: number): Json {
  if (depth > EXPRESSION_LIMITS.value_depth) throw tooLarge();
  if (typeof value === 'string') return text(value, room);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  room.nodes -= keys.length;
  if (room.nodes < 0) throw tooLarge();
  charge(keys.length);
  if (Array.isArray(value)) for (const item of value) shared(item, room, depth + 1);
  else for (const key of keys) shared(value[text(key, room)] as Json, room, depth + 1);
  return value;
}

function scalarObject(value: object): Json {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Duration) return durationText(value);
  if (value instanceof UnsignedInt) return integer(value.valueOf());
  if (ArrayBuffer.isView(value)) return base64(value as Uint8Array);
  throw new LanguageFault('a type is not JSON');
}

/** Seconds with as many decimals as needed: `3s`, `-0.5s`. */
function durationText(duration: Duration): string {
  const nanos = duration.seconds * 1_000_000_000n + BigInt(duration.nanos);
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = (size % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${nanos < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}s`;
}

function tooLarge(): LanguageFault {
  const { result_nodes, result_chars } = EXPRESSION_LIMITS;
  return new LanguageFault(`the result is larger than ${result_nodes} values or ${result_chars} characters`);
}
