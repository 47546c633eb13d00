import type { FetchResponse } from '../../clients/http/guarded-fetch.ts';
import type { Json } from '../../contract/json.ts';
import { canonicalJson } from '../../language/canonical-json.ts';
import type { NodeContext } from './node.ts';

/** A response's body as a step's output has it: the value, or the name of the blob that holds the bytes. */
export type KeptBody = { body: Json; body_ref: null } | { body: null; body_ref: string };

const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]{1,80}\/[a-z0-9!#$&^_.+-]{1,80}$/;
const JSON_TYPE = /(\/|\+)json$/;
const CHARSET = /;\s*charset\s*=\s*"?([a-z0-9._:-]{1,40})/i;
/** As deep as any document we accept (contract §2); a deeper answer stays text. */
const MAX_DEPTH = 64;

/** Parsed JSON, else text, while it is small; what is binary or larger than `inline_bytes` is kept as a blob. */
export async function keepBody(
  { headers, body }: FetchResponse,
  inline_bytes: number,
  context: Pick<NodeContext, 'keep'>,
): Promise<KeptBody> {
  if (body.length === 0) return { body: null, body_ref: null };
  const content_type = headers['content-type'] ?? '';
  const media_type = mediaTypeOf(content_type);
  const text = body.length > inline_bytes ? undefined : textOf(body, CHARSET.exec(content_type)?.[1]);
  if (text === undefined) return { body: null, body_ref: await context.keep(body, media_type) };
  const value = JSON_TYPE.test(media_type) ? jsonOf(text) : undefined;
  return { body: value === undefined ? text : value, body_ref: null };
}

function mediaTypeOf(content_type: string): string {
  const essence = (content_type.split(';')[0] ?? '').trim().toLowerCase();
  return MEDIA_TYPE.test(essence) ? essence : 'application/octet-stream';
}

/** Undefined for bytes that are no text; a NUL is never part of one, and PostgreSQL would refuse it. */
function textOf(bytes: Uint8Array, charset = 'utf-8'): string | undefined {
  try {
    const text = new TextDecoder(charset, { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * Undefined for what is no JSON, and for JSON that could not be recorded or evaluated later: a lone surrogate, a
 * number beyond a double, endless nesting. A server must not be able to break a run's bookkeeping.
 */
function jsonOf(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    if (isDeeper(value, MAX_DEPTH)) return undefined;
    canonicalJson(value);
    return value;
  } catch {
    return undefined;
  }
}

function isDeeper(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeper(member, depth - 1));
}
