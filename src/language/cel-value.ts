import type { Json, JsonObject } from '../contract/json.ts';
import { LanguageFault } from './expression-error.ts';
import { EXPRESSION_LIMITS } from './limits.ts';

/** The JSON a converted list or map came from, so that handing it back needs no copy. */
const origins = new WeakMap<object, Json>();

export function originOf(value: object): Json | undefined {
  return origins.get(value);
}

/**
 * A JSON value as CEL sees it: safe integers are ints (BigInt), other numbers doubles, lists arrays, objects maps.
 * An object is converted member by member when it is read, so an expression over one field of a large value costs
 * one field. The JSON must not be changed while the result is in use.
 */
export function toCel(value: Json, depth = 0): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth > EXPRESSION_LIMITS.value_depth) {
    throw new LanguageFault(`a value is nested deeper than ${EXPRESSION_LIMITS.value_depth}`);
  }
  const converted = Array.isArray(value)
    ? value.map((item) => toCel(item, depth + 1))
    : new JsonMap(value, depth);
  origins.set(converted, value);
  return converted;
}

const noEntries: readonly [string, unknown][] = [];

/**
 * A read-only map over a JSON object. A map rather than a plain object because the engine tells types by
 * `constructor`, which a document may well contain as a key.
 */
export class JsonMap extends Map<string, unknown> {
  readonly #source: JsonObject;
  readonly #depth: number;

  constructor(source: JsonObject, depth: number) {
    super();
    this.#source = source;
    this.#depth = depth;
  }

  override get size(): number {
    return Object.keys(this.#source).length;
  }

  override has(key: string): boolean {
    return typeof key === 'string' && Object.hasOwn(this.#source, key);
  }

  override get(key: string): unknown {
    if (super.has(key)) return super.get(key);
    if (!this.has(key)) return undefined;
    const value = toCel(this.#source[key] as Json, this.#depth + 1);
    if (typeof value === 'object') super.set(key, value);
    return value;
  }

  override *[Symbol.iterator](): MapIterator<[string, unknown]> {
    for (const key of Object.keys(this.#source)) yield [key, this.get(key)];
  }

  override keys(): MapIterator<string> {
    return Object.keys(this.#source).values();
  }

  override *values(): MapIterator<unknown> {
    for (const key of Object.keys(this.#source)) yield this.get(key);
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
