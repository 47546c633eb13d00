import type { Db } from '../persistence/db.ts';
import { readForMove, readForStep, readForWrite, type TagReading } from '../persistence/tags.ts';
import type { TagCommand } from './rules/tag-move.ts';
import { parseRef } from './rules/tag-name.ts';
import type { TagKey } from './tags-attempt.ts';

/** The tag and where a command would take it, in one statement; `target` is for the commands that name one. */
export async function readFor(
  db: Db,
  command: TagCommand,
  tag: TagKey,
  target?: string,
): Promise<TagReading> {
  if (command === 'undo' || command === 'redo') return readForStep(db, tag, command);
  const ref = target === undefined ? undefined : parseRef(target);
  if (!ref) return readForWrite(db, tag);
  const reading = await readForMove(db, tag, ref);
  const { current, destination } = reading;
  // A hash means a content: a tag that has it is there already, by whichever of the artifacts that hold it.
  if (!destination || ref.kind !== 'hash' || current?.target_hash !== ref.value) return reading;
  return { ...reading, destination: { ...destination, id: current.target_id, kind: current.target_kind } };
}
