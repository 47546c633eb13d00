import type { Db } from '../persistence/db.ts';
import { artifactService } from './artifacts.ts';
import { blobService } from './blobs.ts';
import { definitionService } from './materialise.ts';
import { patchService } from './patches.ts';
import { refService } from './refs.ts';
import { tagService } from './tags.ts';
import { workflowService } from './workflows.ts';
import { diffService } from './workflows-diff.ts';

export interface StoreLimits {
  /** One blob. */
  blob_bytes: number;
  /** Patches on one base. */
  chain: number;
  /** Memory for materialised definitions. */
  cache_bytes: number;
}

export const STORE_LIMITS: StoreLimits = { blob_bytes: 67_108_864, chain: 1_000, cache_bytes: 67_108_864 };

export interface StoreOptions {
  db: Db;
  /** Makes UUIDs v7. */
  ids: () => string;
  limits?: Partial<StoreLimits>;
  /** Told of every blob whose bytes are not what its name says. */
  onCorrupt?: (cas_id: string) => void;
}

/** Everything of the versioned store, wired. Times come from the database clock. */
export function storeServices({ db, ids, onCorrupt, limits: given }: StoreOptions) {
  const limits = { ...STORE_LIMITS, ...given };
  const refs = refService({ db });
  const definitions = definitionService({ db, cache_bytes: limits.cache_bytes, onCorrupt });
  const blobs = blobService({ db, max_bytes: limits.blob_bytes, onCorrupt });
  const artifacts = artifactService({ db, definitions });
  const tags = tagService({ db, ids });
  const patches = patchService({ db, ids, max_chain: limits.chain, definitions, blobs });
  const workflows = workflowService({ db, ids, refs, tags, definitions });
  const diffs = diffService({ refs, definitions });
  return { refs, definitions, blobs, artifacts, tags, patches, workflows, diffs };
}

export type StoreServices = ReturnType<typeof storeServices>;
