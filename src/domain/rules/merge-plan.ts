import { AppError } from '../../contract/errors.ts';
import { type History, isAncestor, mergeBases, type Version } from './merge-base.ts';

export type MergePlan =
  /** One side comes from the other: `result` is the id of the side that has it all. */
  | { outcome: 'fast_forward' | 'already_up_to_date'; result: string; bases: Version[] }
  | { outcome: 'merged'; bases: Version[] };

/** The ids of two versions to merge, and of the base that the caller named. */
export interface MergeSides {
  ours: string;
  theirs: string;
  base?: string;
}

/**
 * What there is to do to merge two versions. Without `base` the best common ancestors are the base.
 * Throws `no_merge_base` when there is none and the two have different contents.
 */
export function planMerge(history: History, { ours, theirs, base }: MergeSides): MergePlan {
  const bases = base === undefined ? mergeBases(history, [ours], [theirs]) : [history.find(base)!];
  const isBase = (id: string) => bases.length === 1 && bases[0]!.id === history.find(id)!.id;
  // A base that was named may be neither's ancestor.
  if (isBase(theirs) && isAncestor(history, theirs, ours))
    return { outcome: 'already_up_to_date', result: ours, bases };
  if (isBase(ours) && isAncestor(history, ours, theirs))
    return { outcome: 'fast_forward', result: theirs, bases };
  const hashOf = (id: string) => history.find(id)!.version_hash;
  if (bases.length === 0 && hashOf(ours) !== hashOf(theirs)) throw new AppError('no_merge_base');
  return { outcome: 'merged', bases };
}

/** Throws `not_fast_forward` when a tag on `target` would lose a version by a move to something made of `sources`. */
export function requireKept(history: History, target: string | undefined, sources: readonly string[]): void {
  if (target === undefined || sources.some((source) => isAncestor(history, target, source))) return;
  throw new AppError('not_fast_forward');
}
