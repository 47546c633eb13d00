import { createHash } from 'node:crypto';
import { AppError } from '../contract/errors.ts';
import { type BlobContent, type BlobInfo, getBlob, headBlob, putBlob } from '../persistence/blobs.ts';
import type { Db } from '../persistence/db.ts';

import { contentHash } from './rules/content-hash.ts';
import { isHash } from './rules/tag-name.ts';

export interface BlobPut extends BlobInfo {
  /** True when the project could not read this blob before. Says nothing about other projects. */
  created: boolean;
}

export interface Upload {
  media_type: string;
  /** The hash the caller says the bytes have. */
  expected?: string;
  /** What `Content-Length` announced, in bytes. */
  announced_bytes?: number;
}

export interface BlobService {
  /** Stores bytes and lets the project read them. Throws `hash_mismatch` when they are not what `expected` says. */
  put(project_id: string, bytes: Buffer, upload: Upload): Promise<BlobPut>;
  /** The same for a stream, hashed on the way. Throws `payload_too_large` as soon as it is longer than allowed. */
  receive(project_id: string, source: AsyncIterable<Buffer>, upload: Upload): Promise<BlobPut>;
  /** The verified bytes. Throws `not_found` without a grant, `blob_corrupt` rather than answer wrong bytes. */
  get(project_id: string, cas_id: string): Promise<BlobContent>;
  head(project_id: string, cas_id: string): Promise<BlobInfo>;
}

export interface BlobDeps {
  db: Db;
  max_bytes: number;
  /** Told of every blob whose bytes are not what its name says. */
  onCorrupt?: (cas_id: string) => void;
}

export function blobService(deps: BlobDeps): BlobService {
  const { db, max_bytes } = deps;
  const store = async (project_id: string, blob: BlobContent, expected?: string): Promise<BlobPut> => {
    // Only who has the bytes gets a grant, so that nobody can read a blob by knowing its hash.
    if (expected !== undefined && expected !== blob.cas_id) throw new AppError('hash_mismatch');
    const created = await putBlob(db, project_id, blob);
    return { cas_id: blob.cas_id, size_bytes: blob.bytes.length, media_type: blob.media_type, created };
  };
  return {
    put: (project_id, bytes, { media_type, expected }) =>
      store(project_id, { cas_id: contentHash(bytes), media_type, bytes }, expected),
    receive: async (project_id, source, upload) => {
      const { cas_id, bytes } = await collect(source, max_bytes, upload.announced_bytes);
      return store(project_id, { cas_id, media_type: upload.media_type, bytes }, upload.expected);
    },
    get: async (project_id, cas_id) =>
      verified(found(isHash(cas_id) && (await getBlob(db, project_id, cas_id))), deps.onCorrupt),
    head: async (project_id, cas_id) => found(isHash(cas_id) && (await headBlob(db, project_id, cas_id))),
  };
}

function found<T>(blob: T | false | undefined): T {
  if (!blob) throw new AppError('not_found');
  return blob;
}

/** Throws `blob_corrupt` unless the bytes hash to their name. */
export function verified(blob: BlobContent, onCorrupt?: (cas_id: string) => void): BlobContent {
  if (contentHash(blob.bytes) === blob.cas_id) return blob;
  onCorrupt?.(blob.cas_id);
  throw new AppError('blob_corrupt', { cause: new Error(`blob ${blob.cas_id} does not hash to its name`) });
}

async function collect(source: AsyncIterable<Buffer>, max_bytes: number, announced = 0) {
  if (announced > max_bytes) throw tooLarge(max_bytes);
  const hash = createHash('sha256');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > max_bytes) throw tooLarge(max_bytes);
    hash.update(chunk);
    chunks.push(chunk);
  }
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
  return { cas_id: `sha256:${hash.digest('hex')}`, bytes };
}

const tooLarge = (max_bytes: number) =>
  new AppError('payload_too_large', { detail: `A blob has at most ${max_bytes} bytes.` });
