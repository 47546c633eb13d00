import { AppError } from '../contract/errors.ts';
import { putBlobs } from '../persistence/blobs.ts';
import type { Db } from '../persistence/db.ts';
import { lockTag } from '../persistence/tags.ts';
import { advanceTag, createTag } from '../persistence/tags-write.ts';
import { type RefRow, resolveRef } from '../persistence/workflows-resolve.ts';
import type { Caller } from './refs.ts';
import { type Expectation, passGate } from './rules/tag-move.ts';
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
  reason?: string;
  /** Writes the artifact itself; the blobs are there by then. */
  insert: (tx: Db) => Promise<unknown>;
  ids: () => string;
}

/** The tag's head, past the gate. Throws what `passGate` throws. */
export async function readHead(db: Db, tag: TagKey, expectation: Expectation): Promise<Head | undefined> {
  const row = await resolveRef(db, tag.project_id, { kind: 'tag', value: tag.name });
  const head = row?.tag === tag.name ? (row as Head) : undefined;
  const state = head && {
    target_id: head.id,
    target_hash: head.version_hash,
    version: head.tag_version,
    protected: head.protected,
  };
  passGate(state, expectation);
  return head;
}

/**
 * Stores a version and moves its tag: all or nothing. Throws `LostRace` when the tag is not as in `head` any more.
 * Answers everything about the tag as this save left it.
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
    await save.insert(tx);
    if (!(await pointTag(tx, save))) throw new LostRace();
    const after = await resolveRef(tx, project_id, { kind: 'tag', value: tag });
    if (!after)
      throw new AppError('internal', { cause: new Error(`tag ${tag} is gone inside its own transaction`) });
    return after as Head;
  });
}

function pointTag(tx: Db, { caller, tag, head, artifact, reason, ids }: Save) {
  const write = { project_id: caller.project_id, name: tag, actor: caller.actor, reason, to: artifact };
  if (!head) return createTag(tx, { ...write, workflow_id: ids() });
  const from = { target_id: head.id, version: head.tag_version, cursor_seq: head.cursor_seq };
  return advanceTag(tx, { ...write, type: 'move', from, cursor_seq: null, reverses_seq: null });
}
