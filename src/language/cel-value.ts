import type { Json, JsonObject } from '../contract/json.ts';
import { charge } from './cost.ts';
import { LanguageFault } from './expression-error.ts';
import { EXPRESSION_LIMITS } from './limits.ts';

/** The JSON a converted list came from, so that handing it back needs no copy. Maps know theirs. */
const origins = new WeakMap<object, Json>();

/** What one conversion costs: it makes an object. */
const CONVERSION_COST = 8;

/** The JSON a value was converted from; undefined for what an expression made. */
export function originOf(value: object): Json | undefined {
  return value instanceof JsonMap ? value.source : origins.get(value);
}

/**
 * A JSON value as CEL sees it: safe integers are ints (BigInt), other numbers doubles, lists arrays, objects maps.
 * An object is converted member by member when it is read, so an expression over one field of a large value costs
 * one field. Must run `metered`. The JSON must not be changed while the result is in use.
 */
export function toCel(value: Json, depth = 0): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth > EXPRESSION_LIMITS.value_depth) {
    throw new LanguageFault(`a value is nested deeper than ${EXPRESSION_LIMITS.value_depth}`);
  }
  charge(CONVERSION_COST);
  return Array.isArray(value) ? listOf(value, depth) : new JsonMap(value, depth);
}

function listOf(source: Json[], depth: number): unknown[] {
  charge(source.length);
  const list = source.map((item) => toCel(item, depth + 1));
  origins.set(list, source);
  return list;
}

const noEntries: readonly [string, unknown][] = [];

/**
 * A read-only map over a JSON object. A map rather than a plain object because the engine tells types by
 * `constructor`, which a document may well contain as a key.
 */
export class JsonMap extends Map<string, unknown> {
  readonly source: JsonObject;
  readonly #depth: number;

  constructor(source: JsonObject, depth: number) {
    super();
    this.source = source;
    this.#depth = depth;
  }

  override get size(): number {
    return Object.keys(this.source).length;
  }

  override has(key: string): boolean {
    return typeof key === 'string' && Object.hasOwn(this.source, key);
  }

  override get(key: string): unknown {
    if (super.has(key)) return super.get(key);
    if (!this.has(key)) return undefined;
    const value = toCel(this.source[key] as Json, this.#depth + 1);
    if (typeof value === 'object') super.set(key, value);
    return value;
  }

  override *[Symbol.iterator](): MapIterator<[string, unknown]> {
    for (const key of Object.keys(this.source)) yield [key, this.get(key)];
  }

  override keys(): MapIterator<string> {
    return Object.keys(this.source).values();
  }

  override *values(): MapIterator<unknown> {
    for (const key of Object.keys(this.source)) yield this.get(key);
  }

  /**
   * Only the engine's type inference calls this: it would give every shape of data its own type, cached for ever.
   * Empty, every map is a `map<dyn, dyn>`.
   */
  override entries(): MapIterator<[string, unknown]> {
    return noEntries.values();
  }
}

// The engine compares `value.constructor` with Map.
Object.defineProperty(JsonMap.prototype, 'constructor', { value: Map });
