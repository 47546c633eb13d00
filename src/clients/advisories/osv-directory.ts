import { readFile, stat } from 'node:fs/promises';
import { advisoriesOf } from './advisories-of.ts';
import type { Advisory, AdvisorySource } from '../../contract/advisory.ts';
import { packageKey } from './package-key.ts';
import { isAffected } from './affected.ts';
import { directoryIndex, type IndexLimits } from './directory-index.ts';
import { type OsvDocument, readOsvDocument } from './osv-document.ts';

export interface OsvDirectoryOptions extends Partial<IndexLimits> {
  directory: string;
}

const GONE = 'The directory of advisories could not be read.';

/**
 * Advisories of a directory of OSV documents, one per `.json` file at any depth, as the exports of OSV are. Which
 * packages they are about is read once, and again when a directory changes; what they say, each time.
 */
export function osvDirectory({ directory, ...limits }: OsvDirectoryOptions): AdvisorySource {
  const bounds: IndexLimits = { max_documents: 400_000, max_document_bytes: 4 * 1024 * 1024, ...limits };
  const index = directoryIndex(directory, bounds);

  return async (packages, signal) => {
    signal.throwIfAborted();
    const current = await orAborted(index(), signal).catch(() => signal.throwIfAborted());
    if (!current) return { advisories: [], problems: [GONE] };
    const problems: string[] = [];
    if (current.unread > 0)
      problems.push(`Documents of the directory of advisories that could not be read: ${current.unread}.`);
    if (current.is_part) problems.push('The directory of advisories has more documents than are read.');
    const read = new Map<string, OsvDocument | undefined>();
    const advisories: Advisory[] = [];
    for (const one of packages) {
      signal.throwIfAborted();
      const documents: OsvDocument[] = [];
      for (const file of current.files.get(packageKey(one)) ?? []) {
        if (!read.has(file)) read.set(file, await readDocument(file, bounds));
        const document = read.get(file);
        if (document && isAffected(document, one)) documents.push(document);
      }
      advisories.push(...advisoriesOf(one, documents));
    }
    return { advisories, problems };
  };
}

/** Undefined for a file that is gone or is none by now: the next look-up has a new index. */
async function readDocument(
  file: string,
  { max_document_bytes }: IndexLimits,
): Promise<OsvDocument | undefined> {
  try {
    const { size } = await stat(file);
    return size > max_document_bytes ? undefined : readOsvDocument(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Others may wait for the same, so who does not any more only goes away. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason as Error);
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
