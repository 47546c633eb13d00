import { AppError } from '../contract/errors.ts';
import { type Db, sqlState } from '../persistence/db.ts';
import { lockTag } from '../persistence/tags.ts';
import type { Expectation } from './rules/tag-move.ts';

/** Thrown inside an attempt when the guarded write found another state than the decision was made on. */
export class LostRace extends Error {}

/** After the optimistic ones an attempt holds the tag's lock and can lose only to a deletion or a creation. */
const ATTEMPTS = 6;
const RACES = new Set(['23503', '23505', '40001', '40P01']);

export interface TagKey {
  project_id: string;
  name: string;
}

export interface AttemptOptions {
  /** Tries without a lock: a second one is worth it when the caller's expectation will end it. */
  optimistic?: number;
}

/**
 * Runs read, decide, guarded write until the write wins: first without a lock, because a race is rare; then as one
 * transaction that waits for its turn, because a hundred writers of one tag would otherwise try a thousand times.
 * Every attempt decides anew, so a stale expectation ends in its own error. Throws `version_conflict` at the end, and
 * `blob_collected` for a version that is not there any more.
 */
export async function untilWon<T>(
  db: Db,
  tag: TagKey,
  attempt: (db: Db) => Promise<T>,
  { optimistic = 1 }: AttemptOptions = {},
): Promise<T> {
  for (let count = 0; count < ATTEMPTS; count++) {
    try {
      return count < optimistic ? await attempt(db) : await db.transaction((tx) => locked(tx, tag, attempt));
    } catch (error) {
      if (isCollected(error)) throw collected(error);
      if (!isRace(error)) throw error;
    }
  }
  throw new AppError('version_conflict', { detail: 'The tag keeps being created and deleted.' });
}

async function locked<T>(tx: Db, tag: TagKey, attempt: (db: Db) => Promise<T>): Promise<T> {
  // A statement of its own: the attempt's reads must see what the wait was for.
  await lockTag(tx, tag.project_id, tag.name);
  return attempt(tx);
}

function isRace(error: unknown): boolean {
  if (error instanceof LostRace) return true;
  const state = sqlState(error);
  return (
    state !== undefined &&
    RACES.has(state.code) &&
    (state.code.startsWith('40') || isTagConstraint(state.constraint))
  );
}

/** Garbage collection was faster: a key that keeps tags on live artifacts, or those on their bytes, refused the write. */
const isCollected = (error: unknown): boolean =>
  /^(tag_target_live|artifact_content_stored)$/.test(sqlState(error)?.constraint ?? '');

const collected = (cause: unknown) =>
  new AppError('blob_collected', { detail: 'The version this leads to was collected.', cause });

const isTagConstraint = (constraint = ''): boolean => /^(tag|workflow)_/.test(constraint);

/** The tries without a lock that fit an expectation: who has one loses the race for good with the second. */
export const triesFor = (expectation: Expectation): AttemptOptions => ({
  optimistic: expectation.if_match === undefined && expectation.expected === undefined ? 1 : 2,
});
