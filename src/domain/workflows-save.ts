import { AppError } from '../contract/errors.ts';
import { putBlobs } from '../persistence/blobs.ts';
import type { Db } from '../persistence/db.ts';
import { lockTag } from '../persistence/tags.ts';
import { readHeadRow } from '../persistence/tags-head.ts';
import { advanceTag, createTag } from '../persistence/tags-write.ts';
import { type RefRow, resolveRef } from '../persistence/workflows-resolve.ts';
import type { Caller } from './refs.ts';
import { type Expectation, passGate, type Passage } from './rules/tag-move.ts';
import { requireNamed } from './gc-keep.ts';
import { LostRace, type TagKey } from './tags-attempt.ts';

/** What a tag points at before a save; artifact columns are set, because a tag always has a target. */
export type Head = { [K in keyof RefRow]: NonNullable<RefRow[K]> } & Pick<
  RefRow,
  'base_version' | 'plan_hash' | 'message'
>;

/** A new artifact that a tag shall point at, stored in one transaction with the tag's move. */
export interface Save {
  caller: Caller;
  tag: string;
  /** The state it was prepared on; undefined creates the tag. */
  head?: Head;
  artifact: { id: string; kind: 'dag_version' | 'patch_set' };
  blobs: { cas_id: string; bytes: Buffer }[];
  /** What the caller wrote: the blobs that it names must not have been collected. */
  written?: Buffer;
  reason?: string;
  break_glass?: boolean;
  /** Writes the artifact itself; the blobs are there by then. */
  insert: (tx: Db) => Promise<unknown>;
  ids: () => string;
}

/**
 * The tag's head, past the gate. Throws what `passGate` throws, and `approval_required` where a rule asks for
 * approvals: nobody can have approved a version that is not there yet, so such a tag is moved, not saved to.
 */
export async function readHead(
  db: Db,
  tag: TagKey,
  expectation: Expectation,
  by: Pick<Passage, 'writer' | 'break_glass'>,
): Promise<Head | undefined> {
  const { head, rules } = await readHeadRow(db, tag);
  const current = head && stateOf(head as Head);
  const needed = passGate({ ...by, name: tag.name, current, rules, expectation });
  if (needed > 0)
    throw new AppError('approval_required', { detail: NOT_YET_THERE, extra: { needed, given: 0 } });
  return head as Head | undefined;
}

const NOT_YET_THERE =
  'A version that is yet to be made cannot be approved: save it under another tag, and have the move of this one approved.';

const stateOf = (head: Head) => ({
  target_id: head.id,
  target_hash: head.version_hash,
  version: head.tag_version,
  protected: head.protected,
});

/**
 * Stores a version and moves its tag: all or nothing. Throws `LostRace` when the tag is not as in `head` any more, and
 * `blob_collected` for what names a blob that is gone. Answers everything about the tag as this save left it.
 */
export function saveVersion(db: Db, save: Save): Promise<Head> {
  const { caller, tag, head } = save;
  const { project_id } = caller;
  return db.transaction(async (tx) => {
    // Before the blobs: writers of the same content would otherwise wait for each other's tag and blob in a circle.
    if (head && (await lockTag(tx, project_id, tag)) !== head.tag_version) throw new LostRace();
    await putBlobs(
      tx,
      project_id,
      save.blobs.map((blob) => ({ ...blob, media_type: 'application/json' })),
    );
    if (save.written) await requireNamed(tx, project_id, save.written);
    await save.insert(tx);
    if (!(await pointTag(tx, save))) throw new LostRace();
    const after = await resolveRef(tx, project_id, { kind: 'tag', value: tag });
    if (!after)
      throw new AppError('internal', { cause: new Error(`tag ${tag} is gone inside its own transaction`) });
    return after as Head;
  });
}

function pointTag(tx: Db, { caller, tag, head, artifact, reason, break_glass, ids }: Save) {
  const { project_id, actor } = caller;
  const write = { project_id, name: tag, actor, reason, break_glass, to: artifact };
  if (!head) return createTag(tx, { ...write, workflow_id: ids() });
  const from = { target_id: head.id, version: head.tag_version, cursor_seq: head.cursor_seq };
  return advanceTag(tx, { ...write, type: 'move', from, cursor_seq: null, reverses_seq: null });
}
