import type { PlanNode } from '../../contract/plan.ts';
import { hashJson } from '../../language/content-hash.ts';
import { ancestorsOf } from '../../language/graph.ts';
import { createGraph } from '../../language/ready-nodes.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import { endsAtOnce } from './at-once.ts';
import { nodeNow } from './node.ts';
import { paramsNow } from './params.ts';
import { type KeptJson, type RecordedRun, recordedStep, type Version } from './recorded.ts';
import {
  type FailingStep,
  isSameSet,
  nodeThen,
  opensNow,
  type ReadBlobs,
  RECORDED,
  stateNow,
  stepThen,
  type Told,
  type Walk,
} from './walk-parts.ts';

export interface WalkRequest {
  then: Version;
  now: Version;
  run: RecordedRun;
  blobs: ReadBlobs;
  isOutOfTime: () => boolean;
}

/** Which steps fail decides which others go, and these may fail too: so often it is tried to make them agree. */
const ROUNDS = 5;

/**
 * Goes through the new version as the interpreter does, with the results that the run has on record. Nothing is carried
 * out; transforms and guards are evaluated where something they read, or they themselves, are otherwise.
 */
export function walkRun(request: WalkRequest): Walk {
  const { then, now, run } = request;
  const failed = then.plan.order.filter((id) => isFailing(then.plan.nodes[id], recordedStep(run, id)?.state));
  const common = {
    ...request,
    wanted: new Set<string>(),
    ...paramsNow(request),
    failed_then: new Set(failed),
  };
  const needs = new Map(now.plan.order.map((id) => [id, now.plan.nodes[id]!.needs]));
  const ancestors = ancestorsOf(needs);
  let failing: ReadonlyMap<string, FailingStep> = new Map(
    failed
      .filter((id) => now.plan.nodes[id]?.continue_on_error === false)
      .map((id) => [id, { at_once: false, turn: Infinity, same_past: true }]),
  );
  for (let round = 1; ; round++) {
    const unsettled = round > ROUNDS;
    const walk = walkOnce({ ...common, ancestors, failing, unsettled });
    const found = failingIn(walk);
    if (unsettled || isSame(found, failing)) return walk;
    failing = found;
  }
}

type Begun = Omit<Walk, 'told' | 'at_once' | 'turns' | 'same_past'>;

function walkOnce(begun: Begun): Walk {
  const walk: Walk = {
    ...begun,
    told: new Map(),
    at_once: new Map(),
    turns: new Map(),
    same_past: new Set(),
  };
  const graph = createGraph(walk.now.plan, []);
  for (let ready = graph.takeReady(); ready; ready = graph.takeReady()) {
    const { node, blocked } = ready;
    walk.turns.set(node.id, walk.turns.size);
    if (hasSamePast(walk, node)) walk.same_past.add(node.id);
    const told = asRecorded(walk, node.id, nodeNow(walk, node, blocked));
    walk.told.set(node.id, told);
    walk.at_once.set(node.id, endsAtOnce(walk, node));
    graph.settle(node.id, opensNow(walk, node.id) ?? true);
  }
  return walk;
}

function hasSamePast(walk: Walk, { id, needs }: PlanNode): boolean {
  const before = nodeThen(walk, id);
  if (!before || !isSameSet(before.needs, needs)) return false;
  return needs.every((need) => walk.same_past.has(need) && walk.told.get(need)?.kind === 'recorded');
}

/** What was worked out may be just what the run has on record. */
function asRecorded(walk: Walk, id: string, told: Told): Told {
  const step = stepThen(walk, id);
  if (told.kind !== 'worked_out' || !step || step.state !== told.state) return told;
  const same_error = isEqualJson({ error: step.error as never }, { error: told.error as never });
  return same_error && isValue(step.output, told.output) ? RECORDED : told;
}

/** A stored value is named by its hash. */
export const isValue = (kept: KeptJson, value: Walk['run']['params'][0][string]): boolean =>
  'value' in kept ? isEqualJson(kept.value, value) : hashJson(value) === kept.ref;

const isFailing = (node: PlanNode | undefined, state: string | undefined): boolean =>
  state === 'failed' && node?.continue_on_error === false;

function failingIn(walk: Walk): Map<string, FailingStep> {
  const { plan } = walk.now;
  const ids = plan.order.filter((id) => isFailing(plan.nodes[id], stateNow(walk, id)));
  const { at_once, turns, same_past } = walk;
  return new Map(
    ids.map((id) => [
      id,
      { at_once: at_once.get(id), turn: turns.get(id) ?? Infinity, same_past: same_past.has(id) },
    ]),
  );
}

function isSame(a: ReadonlyMap<string, FailingStep>, b: ReadonlyMap<string, FailingStep>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([id, one]) => {
    const other = b.get(id);
    if (!other) return false;
    return one.at_once === other.at_once && one.turn === other.turn && one.same_past === other.same_past;
  });
}
