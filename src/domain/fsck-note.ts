import type { Finding } from '../persistence/fsck.ts';
import type { ReadDeps } from './blobs-read.ts';

export type FsckDeps = Omit<ReadDeps, 'onCorrupt'>;

/** Keeps what a check found; finding it twice is finding it once. */
export type Note = (findings: readonly Finding[]) => Promise<void>;

export const CORRUPT_BLOB = 'corrupt_blob';
