import type { Json } from '../../contract/json.ts';
import { SPEC_ENGINE_LIMITS } from '../../contract/spec-engine.ts';
import { isShallow } from '../intents/json-bytes.ts';

/** The JSON value that bytes hold; undefined when they hold none, one nested too deep, or more than may go over the wire. */
export function jsonIn(bytes: Uint8Array): Json | undefined {
  if (bytes.byteLength > SPEC_ENGINE_LIMITS.bytes) return undefined;
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
    return isShallow(value, SPEC_ENGINE_LIMITS.depth) ? value : undefined;
  } catch {
    return undefined;
  }
}
