import type { Definition } from '../contract/definition.ts';
import { isHash } from './rules/tag-name.ts';

/** The blobs that the `files` of a definition name, each once. */
export function fileHashes({ files = {} }: Pick<Definition, 'files'>): string[] {
  const hashes = Object.values(files).filter((value) => typeof value === 'string' && isHash(value));
  return [...new Set(hashes as string[])];
}
