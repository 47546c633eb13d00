import type { Json } from '../contract/json.ts';
import { canonicalJson } from './canonical-json.ts';

/** A value inside a text: strings as they are, null as nothing, everything else as canonical JSON. */
export function renderText(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : canonicalJson(value);
}
