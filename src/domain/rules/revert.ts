import type { JsonObject } from '../../contract/json.ts';
import { AppError, type Problem } from '../../contract/errors.ts';
import { diffJson } from './diff.ts';
import { applyPatch } from './json-patch.ts';
import { UNBOUNDED } from './json-patch-limits.ts';
import { mergeDefinitions } from './merge.ts';
import { limitsFor, type Operation, type Reversal, withoutTakenBack } from './revert-standing.ts';

/** A later patch that would not stay what it is, and the pointers where. */
export interface Obstacle {
  patch_id: string;
  pointers: string[];
}

export interface Reverted {
  /** The head without the patch; with obstacles, without those either. */
  document: JsonObject;
  obstacles: Obstacle[];
}

/** Every problem of a definition; none: it is valid. */
type ProblemsOf = (document: JsonObject) => readonly Problem[];

/**
 * The head as it would be had the patch never been made, and the later patches that stand in the way of that.
 *
 * With and without the patch the states run side by side. A later patch does not depend on the one taken back when the
 * two commute: replayed without it, it gives what merging its change into that state gives. The replay alone would let a
 * later patch hide an earlier one (`x: 1 → 2 → 3`); the merge alone would miss what it copied or tested. By induction the
 * last state is both the chain replayed without the patch, and the inverse of the patch carried to the head. What does
 * not commute is left out together with the patch, so that whatever depends on that is named as well.
 *
 * The replay may also end in something that is no definition, such as a need of a node that is gone. Then the patches
 * that first make it so are in the way.
 */
export function revertPatch(reversal: Reversal, problemsOf: ProblemsOf): Reverted {
  const { standing: later, is_gone } = withoutTakenBack(reversal);
  if (is_gone) return { document: reversal.head, obstacles: [] };
  const reverted = replayWithout({ ...reversal, later }, () => []);
  if (reverted.obstacles.length > 0 || problemsOf(reverted.document).length === 0) return reverted;
  return replayWithout({ ...reversal, later }, problemsOf);
}

function replayWithout({ before, after, later }: Reversal, problemsOf: ProblemsOf): Reverted {
  const obstacles: Obstacle[] = [];
  let [present, absent] = [after, before];
  for (const { id, operations } of later) {
    const next = applyPatch(present, operations, UNBOUNDED) as JsonObject;
    const { document, pointers } = commute({ present, next, absent }, operations);
    const refused = pointers.length > 0 ? pointers : problemsOf(document).map(({ path }) => path);
    if (refused.length > 0) obstacles.push({ patch_id: id, pointers: [...new Set(refused)] });
    else absent = document;
    present = next;
  }
  return { document: absent, obstacles };
}

interface Square {
  present: JsonObject;
  next: JsonObject;
  absent: JsonObject;
}

/** The fourth corner of the square, and the pointers where the two ways to it differ. */
function commute(
  { present, next, absent }: Square,
  operations: readonly Operation[],
): { document: JsonObject; pointers: string[] } {
  const { draft, conflicts } = mergeDefinitions(present, next, absent);
  try {
    const document = applyPatch(absent, operations, limitsFor(operations)) as JsonObject;
    const differences = conflicts.length > 0 ? conflicts : diffJson(draft, document);
    return { document, pointers: differences.map(({ path }) => path) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { document: absent, pointers: pointersOf(operations, error) };
  }
}

/** Where the operation points that an error of the engine names as `/<operation>/<member>`. */
function pointersOf(operations: readonly Operation[], error: AppError): string[] {
  const index = Number(error.data.errors?.[0]?.path.split('/')[1]);
  const { path, from } = operations[index] ?? { path: '' };
  return from === undefined ? [path] : [from, path];
}
