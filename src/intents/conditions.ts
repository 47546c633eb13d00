import type { StepCondition } from '../contract/intent.ts';

export type Condition = Omit<StepCondition, 'step'>;

const NOT =
  /\b(not|never|isn't|isn’t|doesn't|doesn’t|didn't|didn’t|cannot|can't|can’t|no longer|other than|differs? from)\b|!=/i;
const NUMERIC = /\b(status|exit code|score)\b/i;
const VALUE = /(?<![\p{L}\d.])(\d{1,6}(?:\.\d{1,3})?)(?![\p{L}\d.])/u;
const OPERATORS: readonly (readonly [RegExp, StepCondition['operator']])[] = [
  [/\b(at least|no less than)\b|>=|\bor (more|above|higher|greater)\b/i, '>='],
  [/\b(at most|no more than)\b|<=|\bor (less|below|lower)\b/i, '<='],
  [/\b(above|over|more than|greater than|higher than|exceeds?)\b|>/i, '>'],
  [/\b(below|under|less than|lower than)\b|</i, '<'],
];
const FAILED =
  /\b(fails?|failed|failing|failure|goes wrong|went wrong|errors?|breaks?|broken|is down|rejects?|rejected|declined?|refused)\b/i;
const SUCCEEDED =
  /\b(succeeds?|succeeded|successful|successfully|works?|worked|passes|passed|pass|is ok|is okay|is fine|went well|goes well|approved|is up)\b/i;

/** `if it does not`: do what was said before. */
const ELLIPTIC = /^(?:it|that|this|one) (?:does|do|is|did|has|was)(?: not|n't|n’t)$/i;

/** What a clause behind `if` says of the step before; undefined when it can't be told. */
export function readCondition(text: string): Condition | undefined {
  const negated = NOT.test(text);
  const numeric = NUMERIC.exec(text)?.[1]?.toLowerCase();
  const value = VALUE.exec(text)?.[1];
  if (numeric !== undefined && value !== undefined) {
    // "no more than" is an operator of its own.
    const operator = OPERATORS.find(([pattern]) => pattern.test(text))?.[1] ?? '==';
    const test = numeric === 'exit code' ? 'exit_code' : (numeric as 'status' | 'score');
    return { test, operator, value: Number(value), negated };
  }
  if (ELLIPTIC.test(text.trim())) return { test: 'failed', negated: false };
  if (FAILED.test(text)) return { test: 'failed', negated };
  return SUCCEEDED.test(text) ? { test: 'failed', negated: !negated } : undefined;
}
