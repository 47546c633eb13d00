import type {
  BackTestChange,
  BackTestChangeKind,
  BackTestFailure,
  BackTestUnknown,
} from '../../contract/back-test.ts';
import type { Json } from '../../contract/json.ts';
import type { StepState } from '../../contract/run.ts';
import { undoneIn } from './undone.ts';
import { nodeThen, stepThen, type Told, type Walk } from './walk-parts.ts';

export interface Changes {
  fails: BackTestFailure[];
  changes: BackTestChange[];
  unknown: BackTestUnknown[];
}

/** Outputs are shown up to this size. */
const SHOWN_CHARS = 1_024;

/** What is otherwise than on record, step by step. */
export function changesIn(walk: Walk): Changes {
  const { then, now } = walk;
  const found: Changes = { fails: [], changes: [], unknown: [] };
  for (const id of now.plan.order) {
    const told = walk.told.get(id);
    if (!told || told.kind === 'recorded') continue;
    if (told.kind === 'unknown') found.unknown.push({ node: id, reason: told.reason });
    else if (told.path !== undefined)
      found.fails.push({ node: id, path: told.path, message: told.error?.message ?? '' });
    found.changes.push(...changeOf(walk, id, told));
  }
  for (const id of then.plan.order)
    if (!now.plan.nodes[id]) found.changes.push(...removed(id, stepThen(walk, id)?.state));
  const undone = undoneIn(walk);
  return {
    fails: found.fails,
    changes: [...found.changes, ...undone.changes],
    unknown: [...found.unknown, ...undone.unknown],
  };
}

/** A step that was skipped is not missed. */
const removed = (node: string, then: StepState | undefined): BackTestChange[] =>
  then === undefined || then === 'skipped' ? [] : [{ node, kind: 'removed', then, now: null }];

function changeOf(walk: Walk, id: string, told: Exclude<Told, { kind: 'recorded' }>): BackTestChange[] {
  const then = stepThen(walk, id);
  const now = told.kind === 'worked_out' ? told.state : null;
  const kind = kindOf(nodeThen(walk, id) === undefined, then?.state, told);
  if (kind === undefined) return [];
  const shown =
    kind === 'other_output' && told.kind === 'worked_out' && then ? shownOf(then.output, told.output) : {};
  return [{ node: id, kind, then: then?.state ?? null, now, ...shown }];
}

/** Undefined where nothing is certain to be otherwise. */
function kindOf(
  is_new: boolean,
  then: StepState | undefined,
  told: Exclude<Told, { kind: 'recorded' }>,
): BackTestChangeKind | undefined {
  const runs = told.kind === 'unknown' ? told.runs === true : told.state !== 'skipped';
  if (is_new) return runs ? 'added' : undefined;
  if (runs && then === 'skipped') return 'now_runs';
  if (told.kind === 'unknown' || then === undefined) return undefined;
  if (!runs) return 'now_skipped';
  if (then !== told.state) return 'other_state';
  return then === 'failed' ? 'other_error' : 'other_output';
}

function shownOf(then: { value: Json } | { ref: string }, now: Json) {
  const isSmall = (value: Json) => JSON.stringify(value).length <= SHOWN_CHARS;
  if (!('value' in then) || !isSmall(then.value) || !isSmall(now)) return {};
  return { output_then: then.value, output_now: now };
}
