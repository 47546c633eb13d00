import { LanguageFault } from './expression-error.ts';
import { EXPRESSION_LIMITS } from './limits.ts';

/** One evaluation in progress. Evaluation is synchronous, so there is one at a time and no `await` can interleave. */
interface Evaluation {
  now_ms: number;
  left: number;
  /** Made once: loops that swallow errors would otherwise make one for each step they can no longer afford. */
  fault?: LanguageFault;
}

let current: Evaluation = { now_ms: 0, left: 0 };

/**
 * Runs `work` as one evaluation with its own budget; `now()` answers `now_ms`.
 * Throws `LanguageFault` when the budget was exceeded, even if the expression swallowed that error
 * (`exists`, `||` and `default` catch errors of their operands).
 */
export function metered<T>(now_ms: number, work: () => T): T {
  const outer = current;
  current = { now_ms, left: EXPRESSION_LIMITS.cost };
  try {
    const result = work();
    if (current.left < 0) throw tooExpensive();
    return result;
  } finally {
    current = outer;
  }
}

/** Takes `units` from the budget of the evaluation in progress. */
export function charge(units: number): void {
  current.left -= units;
  if (current.left < 0) throw tooExpensive();
}

/** Characters are cheap to copy: 16 of them cost one unit. */
export function chargeText(chars: number): void {
  charge(1 + (chars >> 4));
}

export function workflowTime(): number {
  return current.now_ms;
}

function tooExpensive(): LanguageFault {
  return (current.fault ??= new LanguageFault(
    `the expression costs more than ${EXPRESSION_LIMITS.cost} steps`,
  ));
}
