import type { BlobsChecked } from '../contract/maintenance.ts';
import { countFindings, type Finding, listFindings, noteFindings } from '../persistence/fsck.ts';
import { brokenRelations } from '../persistence/fsck-relations.ts';
import { checkBlobs } from './fsck-blobs.ts';
import { checkObjects } from './fsck-objects.ts';
import { checkVersions } from './fsck-versions.ts';
import { CORRUPT_BLOB, type FsckDeps } from './fsck-note.ts';
import { page, type Page } from './tags.ts';
import type { Resumed, Watch } from './watch.ts';

/** Verifies everything that is stored; what it finds is noted under the id of the job. Changes nothing else. */
export interface FsckService {
  /** Hashes the bytes of every blob, wherever they are. Finds `corrupt_blob`. */
  checkBlobs(job_id: string, watch?: Watch<Resumed<BlobsChecked>>): Promise<BlobsChecked>;
  /** Looks for objects that nobody knows of. Finds `unknown_object`, which harms nothing but the space it takes. */
  checkObjects(job_id: string, watch?: Watch<{ objects: number }>): Promise<{ objects: number }>;
  /** Replays every chain of patches, comparing each step with its hash. Finds `version_not_materialised`. */
  checkVersions(job_id: string, watch?: Watch<Resumed<{ versions: number }>>): Promise<{ versions: number }>;
  /** Looks for rows that contradict each other, tags and their histories for one. */
  checkRelations(job_id: string): Promise<void>;
  /** How many things of each kind a job has found. */
  count(job_id: string): Promise<Record<string, number>>;
  /** The cas ids of the blobs whose bytes are wrong or missing, at most `limit`. */
  corrupt(job_id: string, limit: number): Promise<string[]>;
  /** What a job found, by kind and what it is about. */
  findings(job_id: string, page: { after?: Place; limit: number }): Promise<Page<Finding, Place>>;
}

export type Place = Pick<Finding, 'kind' | 'about'>;

const FIRST: Place = { kind: '', about: '' };

export function fsckService(deps: FsckDeps): FsckService {
  const { db } = deps;
  const noteFor = (job_id: string) => (findings: readonly Finding[]) => noteFindings(db, job_id, findings);
  return {
    checkBlobs: (job_id, watch = {}) => checkBlobs(deps, noteFor(job_id), watch),
    checkObjects: (job_id, watch = {}) => checkObjects(deps, noteFor(job_id), watch),
    checkVersions: (job_id, watch = {}) => checkVersions(deps, noteFor(job_id), watch),
    async checkRelations(job_id) {
      for await (const findings of brokenRelations(db)) await noteFindings(db, job_id, findings);
    },
    count: (job_id) => countFindings(db, job_id),
    async corrupt(job_id, limit) {
      const after = { kind: CORRUPT_BLOB, about: '' };
      const found = await listFindings(db, job_id, { after, limit });
      return found.filter(({ kind }) => kind === CORRUPT_BLOB).map(({ about }) => about);
    },
    async findings(job_id, { after = FIRST, limit }) {
      const rows = await listFindings(db, job_id, { after, limit: limit + 1 });
      return page(rows, limit, ({ kind, about }) => ({ kind, about }));
    },
  };
}
