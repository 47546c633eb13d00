import type { Json } from '../contract/json.ts';

/** A text that comes out of the expression language as it went in. */
export function literal(text: string): string {
  return text.replaceAll('${{', () => '$${{');
}

/** The same for every text of a value, keys aside: those are never expressions. */
export function literalJson(value: Json): Json {
  if (typeof value === 'string') return literal(value);
  if (Array.isArray(value)) return value.map(literalJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, literalJson(member)]));
}

/** A value with another one at a path into its objects; what is missing on the way is made. */
export function withValueAt(value: Json | undefined, path: readonly string[], member: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return member;
  const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  const own = Object.hasOwn(object, key) ? object[key] : undefined;
  return Object.fromEntries([
    ...Object.entries(object).filter(([name]) => name !== key),
    [key, withValueAt(own, rest, member)],
  ]);
}
