import { AppError } from '../contract/errors.ts';
import { insertArtifact } from '../persistence/artifacts.ts';
import { putBlobs } from '../persistence/blobs.ts';
import type { Db } from '../persistence/db.ts';
import type { EncodedDefinition } from './blobs-encode.ts';
import { requireVersions } from './gc-keep.ts';
import type { DefinitionService } from './materialise.ts';
import type { Caller, Resolved } from './refs.ts';
import type { History } from './rules/merge-base.ts';
import { decideTag, type Expectation } from './rules/tag-move.ts';
import { LostRace } from './tags-attempt.ts';
import { readFor } from './tags-read.ts';
import { writeApproved } from './tags-write.ts';
import { type Head, readHead, saveVersion } from './workflows-save.ts';

/** The versions that a request means now, and what they come from. */
export interface Sides {
  ours: Resolved;
  theirs: Resolved;
  base?: Resolved;
  history: History;
  /** What the tag points at; undefined when there is none. */
  target_id?: string;
}

/** What is to be merged, and where the result is to go. */
export interface Destination {
  ours: string;
  theirs: string;
  /** The tag that shall point at the result. Without one nothing moves. */
  tag?: string;
  message?: string;
  /** RFC 6902, as the caller sent it: applied to the merged definition, has to write every conflict. */
  resolutions?: unknown;
  expectation: Expectation;
  break_glass?: boolean;
}

/** The version that has both sides, and the tag that points at it. */
export interface Result {
  artifact_id: string;
  version_hash: string;
  tag: string | null;
  tag_version: number | null;
  /** Whether the tag was made or moved. */
  moved: boolean;
}

interface Deps {
  db: Db;
  ids: () => string;
}

/**
 * Moves the tag to a version that is there already, like any other move: the approvals it was given count.
 * Throws `LostRace` when the tag is not where the decision was made.
 */
export async function forward(
  deps: Deps,
  caller: Caller,
  request: Destination,
  { result, target_id }: Sides & { result: Resolved },
): Promise<Result> {
  if (Array.isArray(request.resolutions) && request.resolutions.length > 0) throw nothingToResolve();
  const { artifact_id, version_hash } = result;
  const { tag: name, message: reason } = request;
  if (name === undefined) return { artifact_id, version_hash, tag: null, tag_version: null, moved: false };
  const reading = await readFor(deps.db, 'put', { project_id: caller.project_id, name }, artifact_id);
  if (reading.current?.target_id !== target_id) throw new LostRace();
  const { expectation, break_glass } = request;
  const decision = decideTag({ command: 'put', name, ...reading, expectation, break_glass, writer: caller });
  const { tag, outcome } = await writeApproved(
    deps,
    { caller, name, reason, break_glass },
    reading,
    decision,
  );
  return { artifact_id, version_hash, tag: name, tag_version: tag.version, moved: outcome !== 'unchanged' };
}

/** The tag that the merge is for, past its gate. Throws what `readHead` throws, and `LostRace`. */
export async function openTag(
  { db }: Deps,
  caller: Caller,
  { tag, expectation, break_glass }: Destination,
  { target_id }: Sides,
): Promise<Head | undefined> {
  if (tag === undefined) return undefined;
  const key = { project_id: caller.project_id, name: tag };
  const head = await readHead(db, key, expectation, { writer: caller, break_glass });
  if (head?.id !== target_id) throw new LostRace();
  return head;
}

/** Stores the merge as a version with two parents, and moves the tag if there is one, all or nothing. */
export async function saveMerge(
  deps: Deps & { definitions: Pick<DefinitionService, 'remember'> },
  caller: Caller,
  request: Destination,
  { ours, theirs, head, encoded }: Sides & { head?: Head; encoded: EncodedDefinition },
): Promise<Result> {
  const { project_id, actor: created_by } = caller;
  const { tag, break_glass } = request;
  const message = request.message ?? `Merge ${request.theirs} into ${request.ours}`.slice(0, MESSAGE_CHARS);
  const { cas_id: version_hash, nodes_count, edges_count } = encoded;
  const artifact = { id: deps.ids(), kind: 'dag_version' as const };
  const parents = [ours.artifact_id, theirs.artifact_id];
  const facts = { project_id, cas_id: version_hash, version_hash, nodes_count, edges_count, created_by };
  const insert = async (tx: Db) => {
    await requireVersions(tx, project_id, parents);
    await insertArtifact(tx, { ...artifact, ...facts, parents, message });
  };
  const blobs = [{ ...encoded, media_type: 'application/json' }];
  const save = { caller, head, artifact, blobs, reason: message, break_glass, insert, ids: deps.ids };
  const saved =
    tag === undefined
      ? await saveAlone(deps.db, project_id, save)
      : await saveVersion(deps.db, { ...save, tag });
  deps.definitions.remember(project_id, encoded);
  const moved = { tag: tag ?? null, tag_version: saved?.tag_version ?? null, moved: tag !== undefined };
  return { artifact_id: artifact.id, version_hash, ...moved };
}

interface Unnamed {
  blobs: { cas_id: string; bytes: Buffer; media_type: string }[];
  insert: (tx: Db) => Promise<unknown>;
}

/** A version that no tag points at yet. */
function saveAlone(db: Db, project_id: string, { blobs, insert }: Unnamed): Promise<undefined> {
  return db.transaction(async (tx) => {
    await putBlobs(tx, project_id, blobs);
    await insert(tx);
    return undefined;
  });
}

const MESSAGE_CHARS = 500;

const nothingToResolve = () =>
  new AppError('state_conflict', { detail: 'One side comes from the other: there is nothing to resolve.' });
