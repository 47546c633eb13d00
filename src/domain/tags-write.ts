import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import type { Destination, TagReading, TagRow } from '../persistence/tags.ts';
import { lockApprovals, type TagChangeKey } from '../persistence/tags-approvals.ts';
import {
  advanceTag,
  createTag,
  deleteTag,
  protectTag,
  type TagWrite,
  type Written,
} from '../persistence/tags-write.ts';
import type { Caller } from './refs.ts';
import type { Decision, TagCommand } from './rules/tag-move.ts';
import { LostRace } from './tags-attempt.ts';

export interface TagChange {
  /** The tag as it is after the command; after a deletion, as it was. */
  tag: TagRow;
  outcome: 'created' | 'moved' | 'unchanged' | 'deleted';
}

/** A write that went past the gate, for the log. */
export interface BrokenGlass {
  project_id: string;
  tag: string;
  command: TagCommand | 'save';
  actor: string;
  reason?: string;
}

/** What a save tells of it; its message is the reason. */
export const brokenBySave = (
  { project_id, actor }: Caller,
  { tag, message }: { tag: string; message?: string },
): BrokenGlass => ({ project_id, tag, command: 'save', actor, reason: message });

export interface ChangeFacts {
  caller: Caller;
  name: string;
  reason?: string;
  protect?: boolean;
  break_glass?: boolean;
}

/** Writes a decision: in one statement, or in one transaction with a look at the approvals that it needs. */
export async function writeApproved(
  deps: { db: Db; ids: () => string },
  facts: ChangeFacts,
  reading: TagReading,
  decision: Decision,
): Promise<TagChange> {
  const needed = 'approvals' in decision ? decision.approvals : 0;
  if (needed === 0) return writeDecision(deps, facts, reading, decision);
  const { project_id, actor } = facts.caller;
  const target_id = decision.do === 'delete' ? null : reading.destination!.id;
  const change = { project_id, tag: facts.name, version: reading.current?.version, target_id };
  return deps.db.transaction(async (tx) => {
    await requireApprovals(tx, change, { needed, actor });
    return writeDecision({ ...deps, db: tx }, facts, reading, decision);
  });
}

/** Throws `approval_required` unless `needed` others than `actor` have approved just this change. */
async function requireApprovals(
  tx: Db,
  change: TagChangeKey,
  { needed, actor }: { needed: number; actor: string },
): Promise<void> {
  const given = (await lockApprovals(tx, change)).filter((approver) => approver !== actor).length;
  if (given >= needed) return;
  const detail = `This needs ${needed} approvals by others than the one who does it; there are ${given}.`;
  const { target_id } = change;
  throw new AppError('approval_required', { detail, extra: { needed, given, target_id } });
}

/**
 * Writes a decision in one statement, guarded by the state it was made on.
 * Throws `LostRace` when that state is gone; nothing is written then.
 */
async function writeDecision(
  deps: { db: Db; ids: () => string },
  facts: ChangeFacts,
  { current, destination }: TagReading,
  decision: Decision,
): Promise<TagChange> {
  const { caller, name, reason, protect, break_glass } = facts;
  const { project_id, actor } = caller;
  const write: TagWrite = { project_id, name, actor, reason, protect, break_glass };
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
