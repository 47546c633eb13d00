import { canonicalJson } from './canonical-json.ts';
import { charge, chargeText } from './cost.ts';
import { LanguageFault } from './expression-error.ts';
import { toJson } from './json-value.ts';
import { renderText } from './render-text.ts';

type Numbers = (bigint | number)[];

/** The sum of a list of numbers: an int when all are ints, else a double. The empty sum is 0. */
export function sum(list: unknown): bigint | number {
  const items = numbers('sum', list);
  if (isAllInts(items)) return items.reduce((total, item) => total + item, 0n);
  return items.reduce<number>((total, item) => total + Number(item), 0);
}

/** The arithmetic mean as a double; null for an empty list. */
export function avg(list: unknown): number | null {
  const items = numbers('avg', list);
  return items.length === 0 ? null : Number(sum(items)) / items.length;
}

/** The smallest number or text of a list; null for an empty one. */
export function min(list: unknown): unknown {
  return sort(list, 'min')[0] ?? null;
}

/** The largest number or text of a list; null for an empty one. */
export function max(list: unknown): unknown {
  return sort(list, 'max').at(-1) ?? null;
}

/** A sorted copy of a list of numbers, or of a list of texts (by UTF-16 code units, in every locale alike). */
export function sort(list: unknown, name = 'sort'): unknown[] {
  const items = array(name, list);
  charge(items.length * (1 + Math.ceil(Math.log2(items.length + 1))));
  if (items.every((item) => typeof item === 'string')) return items.toSorted((a, b) => order(a, b));
  return numbers(name, items, 'only numbers, or only strings').toSorted(order);
}

/** The list without repetitions: the first of equal items stays. Items are equal as JSON, so 1 and 1.0 are one. */
export function distinct(list: unknown): unknown[] {
  const seen = new Set<string>();
  return array('distinct', list).filter((item) => {
    const key = canonicalJson(toJson(item));
    chargeText(key.length);
    return seen.size < seen.add(key).size;
  });
}

/** The items as text with a separator between them; see `renderText` for what is not a string. */
export function join(list: unknown, separator = ''): string {
  const parts = array('join', list).map((item) => renderText(toJson(item)));
  chargeText(parts.reduce((total, part) => total + part.length + separator.length, 0));
  return parts.join(separator);
}

function array(name: string, list: unknown): unknown[] {
  if (!Array.isArray(list)) throw new LanguageFault(`${name}() takes a list`);
  charge(list.length);
  return list as unknown[];
}

function numbers(name: string, list: unknown, wanted = 'only numbers'): Numbers {
  const items = array(name, list);
  if (items.every(isNumber)) return items;
  throw new LanguageFault(`${name}() takes a list with ${wanted}`);
}

function isNumber(item: unknown): item is bigint | number {
  return typeof item === 'bigint' || (typeof item === 'number' && !Number.isNaN(item));
}

function isAllInts(items: Numbers): items is bigint[] {
  return items.every((item) => typeof item === 'bigint');
}

function order<T extends string | number | bigint>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : a > b ? 1 : 0;
}
