import { Readable } from 'node:stream';
import type { OpenRequest } from '../../clients/git/open-repository.ts';
import {
  SourceFailure,
  type RepositoryLimits,
  type SourceRepository,
} from '../../contract/source-repository.ts';
import type { BlobService } from '../blobs.ts';
import { StepFailure } from '../step-error.ts';

const HASH = /^sha256:[0-9a-f]{64}$/;

interface Deps {
  open: (request: OpenRequest) => Promise<SourceRepository>;
  blobs: Pick<BlobService, 'get'>;
  limits: RepositoryLimits;
  allow: OpenRequest['allow'];
}

export interface SourceRequest {
  project_id: string;
  /** A path, an https URL, or the hash of a blob that is a tar. */
  repository: string;
  ref?: string;
  more_refs?: string[];
  depth?: number | null;
  signal: AbortSignal;
}

/**
 * Lends repositories: what `use` gives, and the repository is closed. Rejects with a `StepFailure` for what cannot be read.
 */
export function sources({ open, blobs, limits, allow }: Deps) {
  return async <T>(request: SourceRequest, use: (repository: SourceRepository) => Promise<T>): Promise<T> => {
    const { project_id, repository, ref, more_refs, depth, signal } = request;
    const place = HASH.test(repository)
      ? { archive: Readable.from([(await blobs.get(project_id, repository)).bytes]) }
      : repository;
    try {
      const opened = await open({ repository: place, ref, more_refs, depth, limits, allow, signal });
      try {
        return await use(opened);
      } finally {
        await opened.close();
      }
    } catch (error) {
      throw asStepFailure(error);
    }
  };
}

export type Sources = ReturnType<typeof sources>;

/** The signal's own reason stays what it is. */
const asStepFailure = (error: unknown): unknown =>
  error instanceof SourceFailure ? new StepFailure(error.code, error.message, { cause: error }) : error;

/** With what the paths of a folder's entries begin; '' for the whole tree. */
export function folderPrefix(folder = ''): string {
  const name = folder.replace(/^\.?\/+|\/+$/g, '');
  return name === '' || name === '.' ? '' : `${name}/`;
}
