import type { IntentQuestion, IntentStep, StepCondition } from '../contract/intent.ts';
import type { Condition } from './conditions.ts';

/** The steps as they come about, and which of them end what there is so far. */
export interface Draft {
  steps: IntentStep[];
  questions: IntentQuestion[];
  /** What the next step must wait for. */
  front: string[];
  /** What the steps of the front waited for: one beside them waits for the same. */
  before: string[];
  /** The condition of the last sentence that had one, and what its steps wait for, for `otherwise`. */
  condition?: { when: StepCondition; needs: string[] };
}

export function emptyDraft(): Draft {
  return { steps: [], questions: [], front: [], before: [] };
}

/** A step that has no place yet; with `takes`, it takes what those before it answered. */
export interface LooseStep {
  step: IntentStep;
  takes: boolean;
}

/** Adds steps behind all others, or beside the last ones. */
export function addSteps(draft: Draft, loose: readonly LooseStep[], beside: boolean): void {
  const needs = beside ? draft.before : draft.front;
  const ids = placeSteps(draft, loose, needs);
  draft.before = needs;
  draft.front = beside ? [...draft.front, ...ids] : ids;
}

/** Adds steps that wait for the same as the ones of a condition did, and end what there is together with those. */
export function addOtherwise(draft: Draft, loose: readonly LooseStep[], needs: readonly string[]): void {
  draft.front = [...draft.front, ...placeSteps(draft, loose, needs)];
  draft.before = [...needs];
}

function placeSteps(draft: Draft, loose: readonly LooseStep[], needs: readonly string[]): string[] {
  for (const { step, takes } of loose) {
    const { for_each, ...rest } = step;
    const each = for_each && !for_each.items ? { ...for_each, step: needs.at(-1) } : for_each;
    const nothing = each !== undefined && each.items === undefined && each.step === undefined;
    if (nothing)
      draft.questions.push({
        about: 'which',
        question: `For each of what is “${step.text}” to be done?`,
        step: step.id,
      });
    const known = each && !nothing ? { for_each: each } : {};
    draft.steps.push({ ...rest, needs: [...needs], uses: takes ? [...needs] : [], ...known });
  }
  return loose.map(({ step }) => step.id);
}

/**
 * A condition on what comes last. Success needs none of a step that fails when it does not succeed; code, a review and a
 * deployment end well with a result that says no.
 */
export function conditionFor(draft: Draft, condition: Condition): StepCondition | undefined {
  const step = draft.steps.find(({ id }) => id === draft.front.at(-1));
  if (!step) return undefined;
  const says_no = ['code_execution', 'code_review', 'deployment'].includes(step.action);
  if (condition.test === 'failed' && condition.negated && !says_no) return undefined;
  return { step: step.id, ...condition };
}
