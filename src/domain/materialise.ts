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
import { verified } from './blobs.ts';
import { type Encoded, encodeJson } from './blobs-encode.ts';
import { documentCache, freezeJson } from './materialise-cache.ts';
import { applyPatch } from './rules/json-patch.ts';

/** A version already resolved within the caller's project. */
export interface PinnedVersion {
  artifact_id: string;
  version_hash: string;
}

export interface DefinitionService {
  /**
   * The definition of a version: of an artifact resolved before, or of the oldest one with a hash. Frozen and shared.
   * No SQL when it was read lately. Throws `not_found`, `blob_corrupt`.
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

type Deps = Pick<DefinitionDeps, 'db' | 'onCorrupt'>;

async function materialise(deps: Deps, project_id: string, row: SnapshotRow): Promise<Materialised> {
  if (row.content) return parsed(deps, row.version_hash, row.content);
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
  for (const { cas_id, content } of await readLinks(deps.db, row.artifact_id)) {
    const { bytes } = verified({ cas_id, media_type: 'application/json', bytes: content }, deps.onCorrupt);
    document = applyPatch(document, JSON.parse(bytes.toString('utf8')));
  }
  return document;
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
