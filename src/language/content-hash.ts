import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

import type { Json } from '../contract/json.ts';
import { canonicalJson } from './canonical-json.ts';

export type ContentHash = `sha256:${string}`;

/** `sha256:<64 hex digits>` of a text's UTF-8 bytes. Pure: usable in workflow code, where `node:crypto` is not. */
export function hashText(text: string): ContentHash {
  return `sha256:${sha256Hex(utf8ToBytes(text))}`;
}

/** The identity of a JSON value: the hash of its RFC 8785 text. Throws what `canonicalJson` throws. */
export function hashJson(value: Json): ContentHash {
  return hashText(canonicalJson(value));
}

/** SHA-256 of bytes as 64 lower-case hex digits. */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}
