import type { BackTestChange, BackTestUnknown } from '../../contract/back-test.ts';
import type { Json } from '../../contract/json.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import { readsTheSame } from './evaluate.ts';
import { COMPENSATE, recordedStep } from './recorded.ts';
import { stateNow, type Walk } from './walk-parts.ts';

interface Undone {
  changes: BackTestChange[];
  unknown: BackTestUnknown[];
}

/** What would be undone otherwise than it was, because the run fails, or does not, or because of what is to undo it. */
export function undoneIn(walk: Walk): Undone {
  const { then, now } = walk;
  const ids = [...new Set([...then.plan.order, ...now.plan.order])];
  const found = ids.map((id) => undoneOf(walk, id));
  return {
    changes: found.flatMap(({ changes = [] }) => changes),
    unknown: found.flatMap(({ unknown = [] }) => unknown),
  };
}

function undoneOf(walk: Walk, id: string): Partial<Undone> {
  const { then, now, run, failing, failed_then } = walk;
  const [was, is] = [then.definition.nodes[id]?.compensate, now.definition.nodes[id]?.compensate];
  if (!was && !is) return {};
  const fails = failing.size > 0;
  const same = isSameUndoing(walk, id);
  // A step that was taken over from another run was not undone with this one.
  if (same && walk.told.get(id)?.kind === 'recorded' && fails === failed_then.size > 0) return {};
  const node = `${id}${COMPENSATE}`;
  const undone = recordedStep(run, node)?.state ?? null;
  const state = stateNow(walk, id);
  if (fails && is && now.plan.nodes[id] && state === undefined)
    return { unknown: [{ node, reason: 'depends_on_unknown' }] };
  if (!fails || !is || state !== 'succeeded') {
    const kind = is ? 'now_skipped' : 'removed';
    return undone === null ? {} : { changes: [{ node, kind, then: undone, now: is ? 'skipped' : null }] };
  }
  if (undone !== null) return same ? {} : { unknown: [{ node, reason: 'config_changed' }] };
  const change: BackTestChange = { node, kind: was ? 'now_runs' : 'added', then: null, now: null };
  return { changes: [change], unknown: [{ node, reason: 'has_no_result' }] };
}

function isSameUndoing(walk: Walk, id: string): boolean {
  const { then, now } = walk;
  const [was, is] = [then.definition.nodes[id]?.compensate, now.definition.nodes[id]?.compensate];
  const roots = now.plan.nodes[id]?.compensate?.roots;
  if (!was || !is || !roots || !isEqualJson(was as unknown as Json, is as unknown as Json)) return false;
  return readsTheSame(walk, roots) === true;
}
