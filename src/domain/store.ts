import { tmpdir } from 'node:os';
import { spoolDirectory, type Spools } from '../clients/objects/spool.ts';
import type { Db } from '../persistence/db.ts';
import { postgresObjects } from '../persistence/objects.ts';
import { ancestryService } from './ancestry.ts';
import { artifactService } from './artifacts.ts';
import { blameService } from './blame.ts';
import { blobService } from './blobs.ts';
import { bundleService } from './bundles.ts';
import { readObject } from './blobs-read.ts';
import { fsckService } from './fsck.ts';
import { gcService } from './gc.ts';
import { definitionService } from './materialise.ts';
import { mergeService } from './merges.ts';
import { objectStores, type ObjectStores } from './object-stores.ts';
import { patchService } from './patches.ts';
import { refService } from './refs.ts';
import { tagService } from './tags.ts';
import { approvalService } from './tags-approvals.ts';
import { tagRuleService } from './tags-rules.ts';
import type { BrokenGlass } from './tags-write.ts';
import { workflowService } from './workflows.ts';
import { diffService } from './workflows-diff.ts';

export interface StoreLimits {
  /** One blob. */
  blob_bytes: number;
  /** Blobs up to this size are in their rows, larger ones are objects. */
  inline_blob_bytes: number;
  /** One bundle. */
  bundle_bytes: number;
  bundle_artifacts: number;
  /** Patches on one base. */
  chain: number;
  /** Patches on one base before the next one is put on their compaction; as many as there may be when absent. */
  compact_after?: number;
  /** Memory for materialised definitions. */
  cache_bytes: number;
  /** How long a move of a tag keeps what it left and what it led to. */
  undo_window_days: number;
}

export const STORE_LIMITS: StoreLimits = {
  blob_bytes: 67_108_864,
  inline_blob_bytes: 1_048_576,
  bundle_bytes: 1_073_741_824,
  bundle_artifacts: 50_000,
  chain: 1_000,
  cache_bytes: 67_108_864,
  undo_window_days: 90,
};

export interface StoreOptions {
  db: Db;
  /** Makes UUIDs v7. */
  ids: () => string;
  limits?: Partial<StoreLimits>;
  /** Where large blobs are; the database when absent. */
  objects?: ObjectStores;
  /** Where uploads are kept aside; the system's temporary directory when absent. */
  spools?: Spools;
  /** Told of every blob whose bytes are not what its name says. */
  onCorrupt?: (cas_id: string) => void;
  /** Told of every write that went past a tag's gate. */
  onBreakGlass?: (event: BrokenGlass) => void;
}

/** Everything of the versioned store, wired. Times come from the database clock. */
export function storeServices({ db, ids, onCorrupt, onBreakGlass, limits: given, ...places }: StoreOptions) {
  const limits = { ...STORE_LIMITS, ...given };
  const { objects = objectStores(postgresObjects(db)), spools = spoolDirectory(tmpdir()) } = places;
  const reading = { db, objects, onCorrupt };
  const refs = refService({ db });
  const definitions = definitionService({
    db,
    cache_bytes: limits.cache_bytes,
    readObject: (place) => readObject(reading, place),
    onCorrupt,
  });
  const { blob_bytes: max_bytes, inline_blob_bytes: inline_bytes } = limits;
  const blobs = blobService({ ...reading, spools, max_bytes, inline_bytes });
  const artifacts = artifactService({ db, ids, definitions, onBreakGlass });
  const ancestry = ancestryService({ db, refs });
  const tags = tagService({ db, ids, ancestry, onBreakGlass });
  const tag_rules = tagRuleService({ db, ids });
  const approvals = approvalService({ db });
  const compact_after = Math.min(limits.compact_after ?? limits.chain, limits.chain);
  const patches = patchService({ db, ids, compact_after, definitions, blobs, onBreakGlass });
  const workflows = workflowService({ db, ids, refs, tags, definitions, onBreakGlass });
  const diffs = diffService({ refs, definitions });
  const merges = mergeService({ db, ids, refs, ancestry, definitions, onBreakGlass });
  const blame = blameService({ db, refs, ancestry, definitions, onCorrupt });
  const tagsAt = (tx: Db) => tagService({ db: tx, ids, ancestry });
  /** The same store within a transaction of the caller's. */
  const at = (tx: Db) => ({
    tags: tagsAt(tx),
    patches: patchService({ db: tx, ids, compact_after, definitions, blobs }),
    workflows: workflowService({ db: tx, ids, refs, tags: tagsAt(tx), definitions }),
    merges: mergeService({ db: tx, ids, refs, ancestry, definitions }),
  });
  const bundles = bundleService({ db, ids, refs, definitions, blobs, ancestry, tags, tagsAt, limits });
  const gc = gcService({ db, objects, undo_window_days: limits.undo_window_days });
  const fsck = fsckService({ db, objects });
  return {
    refs,
    definitions,
    blobs,
    artifacts,
    tags,
    tag_rules,
    approvals,
    patches,
    workflows,
    diffs,
    ancestry,
    merges,
    blame,
    bundles,
    gc,
    fsck,
    at,
  };
}

export type StoreServices = ReturnType<typeof storeServices>;
/** What writes the store within a transaction. */
export type StoreAt = ReturnType<StoreServices['at']>;
