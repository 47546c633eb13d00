import { AppError } from '../../contract/errors.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HASH = /^sha256:[0-9a-f]{64}$/;
const MAX_CHARS = 200;

/** What a reference is, told by its shape alone: the three can never collide. */
export type Ref = { kind: 'id' | 'hash' | 'tag'; value: string };

export const isUuid = (text: string): boolean => UUID.test(text);
export const isHash = (text: string): boolean => HASH.test(text);

/**
 * True for a name a tag may have: 1–200 characters, segments of letters, digits, `.`, `_` and `-` separated by `/`,
 * and not looking like an id (contract §6); the first segment is the workflow's name, so it may not either.
 */
export function isTagName(text: string): boolean {
  return text.length <= MAX_CHARS && NAME.test(text) && !UUID.test(text.split('/')[0]!);
}

/** The name of the workflow a tag belongs to: the first segment. */
export const workflowOf = (tag: string): string => tag.split('/')[0]!;

/** Tells what `text` refers to; undefined when nothing could have that reference. */
export function parseRef(text: string): Ref | undefined {
  if (UUID.test(text)) return { kind: 'id', value: text.toLowerCase() };
  if (HASH.test(text)) return { kind: 'hash', value: text };
  return isTagName(text) ? { kind: 'tag', value: text } : undefined;
}

/** Throws `validation_failed` unless a tag may be called so. `path` is where the name stood in the request. */
export function requireTagName(name: string, path = '/name'): string {
  if (isTagName(name)) return name;
  const message =
    'A tag name has 1–200 characters in segments of letters, digits, ".", "_" and "-", and is no UUID.';
  throw new AppError('validation_failed', { detail: message, errors: [{ path, message }] });
}
