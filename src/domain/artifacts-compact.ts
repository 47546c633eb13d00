import type { Json } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import { findCompaction, insertCompaction } from '../persistence/artifacts-compact.ts';
import type { ArtifactRow } from '../persistence/artifacts-columns.ts';
import { putBlobs } from '../persistence/blobs.ts';
import type { Db } from '../persistence/db.ts';
import { type Encoded, encodeJson } from './blobs-encode.ts';
import { type Compaction, compactionOf, ensureCompaction } from './compactions.ts';
import type { DefinitionService } from './materialise.ts';
import type { Caller } from './refs.ts';
import type { Expectation } from './rules/tag-move.ts';
import { isTagName } from './rules/tag-name.ts';
import { triesFor, untilWon } from './tags-attempt.ts';
import { type BrokenGlass, brokenBySave } from './tags-write.ts';
import { type Head, readHead, saveVersion } from './workflows-save.ts';

export interface CompactRequest {
  message?: string;
  /** A tag that points at the patch set and shall point at its compaction. */
  tag?: TagToMove;
}

interface TagToMove {
  name: string;
  expectation: Expectation;
  break_glass?: boolean;
}

export interface Compacted {
  /** False when the patch set was compacted before. */
  created: boolean;
  artifact: ArtifactRow;
  /** The tag's version now, when one was named. */
  tag_version?: number;
}

export interface CompactDeps {
  db: Db;
  ids: () => string;
  definitions: Pick<DefinitionService, 'read'>;
  onBreakGlass?: (event: BrokenGlass) => void;
}

/**
 * Makes the one dag_version that holds the content of a patch set, or finds it; the chain stays. With a tag, moves that
 * from the one to the other through its gate, in the same transaction. Throws `state_conflict` for anything but a patch
 * set and for a tag that points elsewhere, and what `readHead` throws.
 */
export async function compact(
  deps: CompactDeps,
  caller: Caller,
  source: ArtifactRow,
  { message, tag }: CompactRequest,
): Promise<Compacted> {
  const { id, project_id, kind, version_hash } = source;
  if (kind !== 'patch_set' || version_hash === null)
    throw new AppError('state_conflict', {
      detail: `Only a patch set can be compacted; this is a ${kind}.`,
    });
  const document = await deps.definitions.read(project_id, { artifact_id: id, version_hash });
  const job = { caller, source, blob: encodeJson(document as unknown as Json), message };
  return tag ? compactAndMove(deps, job, tag) : compactAlone(deps, job);
}

interface Job {
  caller: Caller;
  source: ArtifactRow;
  blob: Encoded;
  message?: string;
}

function compactAlone({ db, ids }: CompactDeps, { caller, source, blob, message }: Job): Promise<Compacted> {
  const { project_id, id: source_id } = source;
  return db.transaction(async (tx) => {
    await putBlobs(tx, project_id, [{ ...blob, media_type: 'application/json' }]);
    const made = { id: ids(), project_id, source_id, message, created_by: caller.actor };
    const created = await insertCompaction(tx, made);
    return { created, artifact: (await findCompaction(tx, project_id, source_id))! };
  });
}

async function compactAndMove(deps: CompactDeps, job: Job, tag: TagToMove): Promise<Compacted> {
  const { caller, source } = job;
  const { project_id } = source;
  const { name, expectation, break_glass } = tag;
  if (!isTagName(name)) throw new AppError('not_found');
  const attempt = async (db: Db) => {
    const head = await readHead(db, { project_id, name }, expectation, { writer: caller, break_glass });
    if (!head) throw new AppError('not_found');
    const compaction = await compactionOf(db, source, deps.ids);
    const moved = head.id !== compaction.id;
    const after = moved ? await move({ ...deps, db }, job, { ...tag, head, compaction }) : head;
    const artifact = (await findCompaction(db, project_id, source.id))!;
    return { created: !compaction.exists, artifact, tag_version: after.tag_version, moved };
  };
  const done = await untilWon(deps.db, { project_id, name }, attempt, triesFor(expectation));
  if (break_glass && done.moved)
    deps.onBreakGlass?.(brokenBySave(caller, { tag: name, message: job.message }));
  return done;
}

function move(
  { db, ids }: CompactDeps,
  { caller, source, blob, message }: Job,
  { name, head, compaction, break_glass }: TagToMove & { head: Head; compaction: Compaction },
): Promise<Head> {
  // A tag that has gone on would lose what came after the patch set.
  if (head.id !== source.id)
    throw new AppError('state_conflict', { detail: 'The tag does not point at this artifact.' });
  return saveVersion(db, {
    caller,
    tag: name,
    head,
    artifact: { id: compaction.id, kind: 'dag_version' },
    blobs: [blob],
    reason: message,
    break_glass,
    insert: (tx) => ensureCompaction(tx, caller, compaction, { of: source.id, message }),
    ids,
  });
}
