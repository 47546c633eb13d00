import type { Definition } from '../contract/definition.ts';
import type { Json } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import {
  findSnapshot,
  findVersionProject,
  readLinks,
  recordSnapshot,
  type SnapshotRow,
} from '../persistence/artifacts-snapshot.ts';
import { putBlobs } from '../persistence/blobs.ts';
import type { Db } from '../persistence/db.ts';
import { type ObjectPlace, verified } from './blobs-read.ts';
import { type Encoded, encodeJson } from './blobs-encode.ts';
import { notCollected } from './collected.ts';
import { documentCache, freezeJson } from './materialise-cache.ts';
import { applyPatch } from './rules/json-patch.ts';
import { UNBOUNDED } from './rules/json-patch-limits.ts';

/** A version already resolved within the caller's project. */
export interface PinnedVersion {
  artifact_id: string;
  version_hash: string;
  /** False: it was collected, whatever memory still holds. */
  live?: boolean;
}

export interface DefinitionService {
  /**
   * The definition of a version: of an artifact resolved before, or of the oldest one with a hash. Frozen and shared.
   * No SQL when it was read lately. Throws `not_found`, `blob_collected`, `blob_corrupt`.
   */
  read(project_id: string, version: PinnedVersion | string, db?: Db): Promise<Definition>;
  /** The same for a hash that a row of ours pins, whose project was checked when it was pinned. */
  readPinned(version_hash: string): Promise<Definition>;
  /** Keeps a definition that was just written. */
  remember(project_id: string, encoded: Encoded & { document: Definition }): void;
}

export interface DefinitionDeps {
  db: Db;
  cache_bytes: number;
  /** The bytes of a blob that is an object, unverified. */
  readObject: (place: ObjectPlace) => Promise<Buffer>;
  onCorrupt?: (cas_id: string) => void;
}

const MAX_KNOWN = 20_000;

export function definitionService(deps: DefinitionDeps): DefinitionService {
  const documents = documentCache(deps.cache_bytes);
  // Documents are cached once for all projects; which project may read which hash is kept apart.
  const readable = new Set<string>();
  const allow = (project_id: string, version_hash: string) => {
    if (readable.size >= MAX_KNOWN) readable.clear();
    readable.add(`${project_id} ${version_hash}`);
  };
  const load = async (db: Db, project_id: string, by: { id: string } | { version_hash: string }) => {
    const row = await findSnapshot(db, project_id, by);
    if (!row) throw new AppError('not_found');
    const { document, size_bytes } = await materialise({ ...deps, db }, project_id, row);
    documents.set(row.version_hash, document, size_bytes);
    allow(project_id, row.version_hash);
    return document;
  };
  return {
    async read(project_id, version, db = deps.db) {
      if (typeof version !== 'string') {
        notCollected({ live: version.live ?? null });
        return documents.get(version.version_hash) ?? load(db, project_id, { id: version.artifact_id });
      }
      const cached = readable.has(`${project_id} ${version}`) ? documents.get(version) : undefined;
      return cached ?? load(db, project_id, { version_hash: version });
    },
    async readPinned(version_hash) {
      const cached = documents.get(version_hash);
      if (cached) return cached;
      const project_id = await findVersionProject(deps.db, version_hash);
      if (project_id === undefined) throw new AppError('not_found');
      return load(deps.db, project_id, { version_hash });
    },
    remember(project_id, { cas_id, bytes, document }) {
      documents.set(cas_id, freezeJson(document), bytes.length);
      allow(project_id, cas_id);
    },
  };
}

interface Materialised {
  document: Definition;
  size_bytes: number;
}

type Deps = Pick<DefinitionDeps, 'db' | 'readObject' | 'onCorrupt'>;

async function materialise(deps: Deps, project_id: string, row: SnapshotRow): Promise<Materialised> {
  const content = await contentOf(deps, { ...row, cas_id: row.version_hash });
  if (content) return parsed(deps, row.version_hash, content);
  if (row.base_version === null || row.plan_hash === null) throw new AppError('blob_collected');
  const encoded = encodeJson(await replay(deps, project_id, row));
  // The hash was written with the patch; another one now means that a link or the engine changed under it.
  if (encoded.cas_id !== row.version_hash) throw corrupt(deps, row.version_hash);
  await putBlobs(deps.db, project_id, [{ ...encoded, media_type: 'application/json' }]);
  await recordSnapshot(deps.db, row.plan_hash, encoded.cas_id);
  return parsed(deps, row.version_hash, encoded.bytes);
}

/** Computes a patch set from its base and every link of its chain: what the snapshot saves. */
async function replay(deps: Deps, project_id: string, row: SnapshotRow): Promise<Json> {
  const base = await findSnapshot(deps.db, project_id, { id: row.base_version! });
  if (!base) throw corrupt(deps, row.version_hash);
  let document = (await materialise(deps, project_id, base)).document as unknown as Json;
  for (const link of await readLinks(deps.db, row.artifact_id)) {
    const content = await contentOf(deps, link);
    if (!content) throw new AppError('blob_collected');
    const blob = { cas_id: link.cas_id, media_type: 'application/json', bytes: content };
    const { bytes } = verified(blob, deps.onCorrupt);
    document = applyPatch(document, JSON.parse(bytes.toString('utf8')), UNBOUNDED);
  }
  return document;
}

/** The bytes of a blob, wherever they are; undefined when they were collected or never computed. */
async function contentOf(
  { readObject }: Deps,
  blob: { cas_id: string; content: Buffer | null; storage_url: string | null; size_bytes: string | null },
): Promise<Buffer | undefined> {
  const { cas_id, content, storage_url, size_bytes } = blob;
  if (content) return content;
  return storage_url === null
    ? undefined
    : readObject({ cas_id, storage_url, size_bytes: Number(size_bytes) });
}

function parsed(deps: Deps, version_hash: string, content: Buffer): Materialised {
  const { bytes } = verified(
    { cas_id: version_hash, media_type: 'application/json', bytes: content },
    deps.onCorrupt,
  );
  return { document: freezeJson(JSON.parse(bytes.toString('utf8')) as Definition), size_bytes: bytes.length };
}

function corrupt(deps: Deps, version_hash: string): AppError {
  deps.onCorrupt?.(version_hash);
  return new AppError('blob_corrupt', {
    cause: new Error(`version ${version_hash} does not materialise to its hash`),
  });
}
