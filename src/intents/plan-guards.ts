import type { IntentStep, StepCondition } from '../contract/intent.ts';

/** Where a step's result says no though the step itself did well. */
const SAYS_NO: Partial<Record<IntentStep['action'], string>> = {
  code_execution: 'output.output.success == false',
  code_review: 'output.output.approved == false',
  deployment: 'output.output.released == false',
};
const FIELDS: Readonly<Record<Exclude<StepCondition['test'], 'failed'>, string>> = {
  status: 'output.status',
  exit_code: 'output.output.exit_code',
  score: 'output.output.score',
};

/** The `if` of a step's node; undefined when it has none. */
export function guardOf(step: IntentStep, steps: readonly IntentStep[]): string | undefined {
  const own = step.when ? [conditionOf(step.when, steps)] : [];
  // A step that was skipped would be passed on; one that failed has ended the run already.
  const needed = step.regardless ? step.needs.map((id) => `steps.${id}.state != "failed"`) : [];
  const all = [...(step.regardless ? ['always()'] : []), ...needed, ...own];
  return all.length === 0 ? undefined : `\${{ ${all.join(' && ')} }}`;
}

/** A step that failed has no output to look at, so its state is looked at first. */
function conditionOf(when: StepCondition, steps: readonly IntentStep[]): string {
  const at = `steps.${when.step}`;
  const failed = `${at}.state == "failed"`;
  if (when.test === 'failed') {
    const action = steps.find(({ id }) => id === when.step)?.action;
    const says_no = action && SAYS_NO[action];
    const either = says_no === undefined ? failed : `(${failed} || ${at}.${says_no})`;
    return when.negated ? `!(${either})` : either;
  }
  const holds = `${at}.state == "succeeded" && ${at}.${FIELDS[when.test]} ${when.operator ?? '=='} ${when.value ?? 0}`;
  return when.negated ? `!(${holds})` : `(${holds})`;
}

/** Status codes from 400 on fail a request, unless it is to be told by them what comes next. */
export function expectedStatuses(step: IntentStep, steps: readonly IntentStep[]): number[] {
  return [
    ...new Set(
      steps.flatMap(({ when }) =>
        when?.step === step.id && when.test === 'status' && when.value !== undefined && isFailure(when.value)
          ? [when.value]
          : [],
      ),
    ),
  ];
}

function isFailure(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status <= 599;
}
