import type { Json } from '../../contract/json.ts';

const MAX_DEPTH = 64;

export function toBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** The JSON value that bytes hold; undefined when they hold none, or one nested deeper than anything of ours. */
export function fromBytes(bytes: Uint8Array): Json | undefined {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
    return isShallow(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value is nested no deeper than anything of ours, so that it may be walked by recursion. */
export function isShallow(value: Json, depth = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1));
}
