import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';

import { charge, chargeText } from './cost.ts';

/**
 * Equality of CEL values by content: ints and doubles by their number, lists in order, maps without order, values
 * of different kinds are unequal. Charges what it looks at: two values may share their parts many times over.
 */
export function celEqual(a: unknown, b: unknown): boolean {
  charge(1);
  if (a === b) return true;
  if (typeof a === 'string' && typeof b === 'string')
    return (chargeText(Math.min(a.length, b.length)), false);
  if (isNumeric(a) && isNumeric(b)) return numericEqual(a, b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && listEqual(a, b);
  if (a instanceof Map || b instanceof Map) return a instanceof Map && b instanceof Map && mapEqual(a, b);
  return scalarEqual(a, b);
}

/** `x in list` by `celEqual`; `k in map` asks for the key. */
export function celIncludes(
  member: unknown,
  collection: readonly unknown[] | Map<unknown, unknown>,
): boolean {
  if (collection instanceof Map) return collection.has(member);
  return collection.some((item) => celEqual(member, item));
}

type Numeric = bigint | number | UnsignedInt;

function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof UnsignedInt;
}

function numericEqual(a: Numeric, b: Numeric): boolean {
  const left = a instanceof UnsignedInt ? a.valueOf() : a;
  const right = b instanceof UnsignedInt ? b.valueOf() : b;
  // The loose comparison of a BigInt with a number is by mathematical value, without rounding.
  // eslint-disable-next-line eqeqeq
  return left == right;
}

function listEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => celEqual(item, b[i]));
}

function mapEqual(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !celEqual(value, b.get(key))) return false;
  return true;
}

function scalarEqual(a: object, b: object): boolean {
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof Duration && b instanceof Duration) return a.seconds === b.seconds && a.nanos === b.nanos;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return bytesEqual(a as Uint8Array, b as Uint8Array);
  return false;
}

function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  chargeText(a.length);
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
