import { createHash } from 'node:crypto';
import { AppError } from '../contract/errors.ts';
import { readAncestry } from '../persistence/ancestry.ts';
import type { ArtifactRow } from '../persistence/artifacts-columns.ts';
import { readArtifacts, readMoves } from '../persistence/bundles.ts';
import type { Db } from '../persistence/db.ts';
import type { TagRow } from '../persistence/tags.ts';
import { listTags } from '../persistence/tags-list.ts';
import { type BlobSource, blobWriter } from './bundles-blobs.ts';
import { fileHashes } from './bundles-files.ts';
import type { DefinitionService } from './materialise.ts';
import type { RefService } from './refs.ts';
import { type LineKind, writeLine } from './rules/bundle-format.ts';
import type { Lines } from './rules/bundle-lines.ts';
import { type Selection, selectLinks } from './rules/bundle-order.ts';
import type { TagService } from './tags.ts';

export interface ExportDeps {
  db: Db;
  refs: Pick<RefService, 'find'>;
  tags: Pick<TagService, 'get'>;
  definitions: Pick<DefinitionService, 'read'>;
  blobs: BlobSource;
  limits: { bundle_artifacts: number };
}

/** What a bundle will hold. It is all there, so nothing but a failing server can stop it. */
export interface Export {
  project_id: string;
  workflow: Lines['header']['workflow'];
  tags: TagRow[];
  selection: Selection;
}

const PAGE = 100;

/**
 * Decides what goes into the bundle of a workflow (by name or id), of one tag (a name with "/"), or of a version (by id
 * or hash). Throws `not_found`, `state_conflict` for a workflow without versions and for a history that is too long,
 * `blob_collected` when what it is about was collected.
 */
export async function planExport(
  deps: ExportDeps,
  project_id: string,
  { ref, have }: { ref: string; have: readonly string[] },
): Promise<Export> {
  const { workflow, tags, roots } = await rootsOf(deps, project_id, ref);
  const limit = deps.limits.bundle_artifacts;
  const links = await readAncestry(deps.db, project_id, { heads: roots, limit: limit + 1 });
  if (links.length > limit)
    throw new AppError('state_conflict', { detail: `A bundle has at most ${limit} artifacts.` });
  const selection = selectLinks(links, roots, new Set(have));
  return { project_id, workflow, tags, selection };
}

/** The lines of a bundle. The same state gives the same text. */
export async function* bundleLines(deps: ExportDeps, plan: Export): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const counts = { tags: 0, artifacts: 0, blobs: 0, moves: 0 };
  for await (const line of contentLines(deps, plan, counts)) {
    hash.update(line);
    yield line;
  }
  yield writeLine('trailer', { ...counts, sha256: hash.digest('hex') });
}

type Counts = Omit<Lines['trailer'], 'sha256'>;

async function* contentLines(deps: ExportDeps, plan: Export, counts: Counts): AsyncGenerator<string> {
  const { project_id, workflow, tags, selection } = plan;
  yield writeLine('header', { format: 'orchestrator-bundle', version: 1, workflow });
  for (const tag of tags) yield writeLine('tag', tagLine(tag));
  for (const kind of ['requires', 'missing'] satisfies LineKind[])
    for (const { id, version_hash } of selection[kind]) yield writeLine(kind, { id, version_hash });
  counts.tags = tags.length;
  const blobs = blobWriter(deps.blobs, project_id);
  for (const { id: artifact_id, version_hash } of selection.requires)
    blobs.assume(fileHashes(await deps.definitions.read(project_id, { artifact_id, version_hash })));
  for await (const row of artifactRows(deps.db, project_id, selection.send)) {
    const { id: artifact_id, cas_id } = row;
    const version_hash = row.version_hash!;
    const definition = await deps.definitions.read(project_id, { artifact_id, version_hash });
    for (const file of fileHashes(definition)) yield* blobs.file(file);
    yield* blobs.content(cas_id);
    yield writeLine('artifact', artifactLine(row));
    counts.artifacts += 1;
  }
  counts.blobs = blobs.written();
  for (const tag of tags) {
    for await (const move of moveLines(deps.db, project_id, tag)) {
      counts.moves += 1;
      yield writeLine('move', move);
    }
  }
}

async function rootsOf(deps: ExportDeps, project_id: string, ref: string) {
  const { id, workflow, description, tag } = await deps.refs.find(project_id, ref);
  if (id !== null && tag === null) return { workflow: null, tags: [], roots: [id] };
  const name = workflow!;
  const is_family = tag === null || tag === name;
  const tags = is_family ? await tagsOf(deps.db, project_id, name) : [await deps.tags.get(project_id, tag)];
  if (tags.length === 0)
    throw new AppError('state_conflict', { detail: `The workflow ${name} has no version yet.` });
  // By code unit and not as the database sorts, which depends on how it was set up.
  tags.sort((one, other) => (one.name < other.name ? -1 : 1));
  const roots = tags.map(({ target_id }) => target_id);
  return { workflow: { name, description: description ?? '' }, tags, roots };
}

async function tagsOf(db: Db, project_id: string, workflow: string): Promise<TagRow[]> {
  const all: TagRow[] = [];
  for (;;) {
    const page = await listTags(db, { project_id, workflow }, { after: all.at(-1)?.name ?? '', limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

async function* artifactRows(
  db: Db,
  project_id: string,
  ids: readonly string[],
): AsyncGenerator<ArtifactRow> {
  for (let at = 0; at < ids.length; at += PAGE) {
    const wanted = ids.slice(at, at + PAGE);
    const rows = new Map((await readArtifacts(db, project_id, wanted)).map((row) => [row.id, row]));
    for (const id of wanted) yield rows.get(id)!;
  }
}

/** As far as the tag was known to have come: what others do meanwhile is for the next bundle. */
async function* moveLines(db: Db, project_id: string, tag: TagRow): AsyncGenerator<Lines['move']> {
  for (let after = 0; after < tag.version;) {
    const page = { after, last: tag.version, limit: PAGE };
    const moves = await readMoves(db, { project_id, name: tag.name }, page);
    for (const { version: _version, moved_at, ...move } of moves)
      yield { tag: tag.name, ...move, moved_at: moved_at.toISOString() };
    after = moves.at(-1)?.seq ?? tag.version;
  }
}

const tagLine = ({ name, target_id, target_hash, version, moved_by, moved_at }: TagRow): Lines['tag'] => ({
  name,
  artifact_id: target_id,
  version_hash: target_hash,
  version,
  moved_by,
  moved_at: moved_at.toISOString(),
});

function artifactLine(row: ArtifactRow): Lines['artifact'] {
  const { id, cas_id, parents, compacted_from_id, reverts_id, message, created_by } = row;
  return {
    id,
    kind: row.kind as Lines['artifact']['kind'],
    cas_id,
    version_hash: row.version_hash!,
    parents,
    compacted_from_id,
    reverts_id,
    message,
    created_by,
    created_at: row.created_at.toISOString(),
  };
}
