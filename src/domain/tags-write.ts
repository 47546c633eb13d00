import type { Db } from '../persistence/db.ts';
import type { Destination, TagReading, TagRow } from '../persistence/tags.ts';
import {
  advanceTag,
  createTag,
  deleteTag,
  protectTag,
  type TagWrite,
  type Written,
} from '../persistence/tags-write.ts';
import type { Caller } from './refs.ts';
import type { Decision } from './rules/tag-move.ts';
import { LostRace } from './tags-attempt.ts';

export interface TagChange {
  /** The tag as it is after the command; after a deletion, as it was. */
  tag: TagRow;
  outcome: 'created' | 'moved' | 'unchanged' | 'deleted';
}

export interface ChangeFacts {
  caller: Caller;
  name: string;
  reason?: string;
  protect?: boolean;
}

/**
 * Writes a decision in one statement, guarded by the state it was made on.
 * Throws `LostRace` when that state is gone; nothing is written then.
 */
export async function writeDecision(
  deps: { db: Db; ids: () => string },
  facts: ChangeFacts,
  { current, destination }: TagReading,
  decision: Decision,
): Promise<TagChange> {
  const { caller, name, reason, protect } = facts;
  const write: TagWrite = { project_id: caller.project_id, name, actor: caller.actor, reason, protect };
  switch (decision.do) {
    case 'nothing':
      return { tag: current!, outcome: 'unchanged' };
    case 'create':
      return {
        tag: created(
          write,
          destination!,
          await won(createTag(deps.db, { ...write, workflow_id: deps.ids(), to: destination! })),
        ),
        outcome: 'created',
      };
    case 'advance': {
      const { type, cursor_seq, reverses_seq } = decision;
      const done = await won(
        advanceTag(deps.db, { ...write, type, from: current!, to: destination!, cursor_seq, reverses_seq }),
      );
      return {
        tag: moved(current!, write, destination!, { ...done, cursor_seq: cursor_seq ?? done.version }),
        outcome: 'moved',
      };
    }
    case 'protect':
      await won(protectTag(deps.db, { ...write, version: current!.version, protect: protect! }));
      return { tag: { ...current!, protected: protect! }, outcome: 'unchanged' };
    case 'delete':
      await won(deleteTag(deps.db, { ...write, version: current!.version }));
      return { tag: current!, outcome: 'deleted' };
  }
}

async function won(writing: Promise<Written | undefined>): Promise<Written> {
  const written = await writing;
  if (!written) throw new LostRace();
  return written;
}

const targetOf = ({ id, kind, version_hash }: Destination) => ({
  target_id: id,
  target_kind: kind,
  target_hash: version_hash,
});

function created(write: TagWrite, to: Destination, { version, moved_at }: Written): TagRow {
  const place = { version, cursor_seq: version, protected: write.protect ?? false };
  return { name: write.name, ...targetOf(to), ...place, moved_by: write.actor, moved_at };
}

function moved(
  before: TagRow,
  write: TagWrite,
  to: Destination,
  done: Written & { cursor_seq: number },
): TagRow {
  return {
    ...before,
    ...targetOf(to),
    ...done,
    protected: write.protect ?? before.protected,
    moved_by: write.actor,
  };
}
