import type { NodeResult, StoredEvaluation } from '../contract/activities.ts';
import { AppError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { HeldValue, StepKey } from '../contract/run.ts';
import { ExpressionError } from '../language/expression-error.ts';
import { evaluateTemplate } from '../language/expression.ts';
import { templateRoots } from '../language/template.ts';
import type { RunRepository } from '../persistence/runs.ts';
import type { StepRepository } from '../persistence/steps.ts';
import { heldValue, type RunValues } from './values.ts';

type Evaluation = Omit<StoredEvaluation, keyof StepKey>;

interface Deps {
  values: RunValues;
  steps: Pick<StepRepository, 'end'>;
  runs: Pick<RunRepository, 'keepOutput'>;
  inline_bytes: number;
}

/** Expressions over values the workflow does not hold (contract §2, large values). */
export function evaluationService({ values, steps, runs, inline_bytes }: Deps) {
  async function evaluate({ template, ...request }: Evaluation): Promise<Json> {
    return evaluateTemplate(template, await values.storedScope(request, templateRoots(template)));
  }

  return {
    /** A transform over stored values: evaluated, and its end recorded, once. */
    async step(evaluation: StoredEvaluation): Promise<NodeResult> {
      const { node, item, attempt, ...request } = evaluation;
      const at = { run_id: request.run.id, node, item, attempt };
      try {
        const kept = await values.keep(request.run.project_id, await evaluate(request));
        await steps.end(at, { state: 'succeeded', ...kept, error: null, cause: null });
        return { state: 'succeeded', output: heldValue(kept), error: null };
      } catch (thrown) {
        if (!(thrown instanceof ExpressionError)) throw thrown;
        // The workflow writes the failure itself, as it does for every light step.
        return {
          state: 'failed',
          output: { value: null },
          error: { code: 'expression_error', message: thrown.message },
        };
      }
    },

    /** A value the workflow needs: a guard, the length of a wait. */
    async value(evaluation: Evaluation): Promise<Json> {
      const value = await evaluated(() => evaluate(evaluation));
      if (Buffer.byteLength(JSON.stringify(value)) > inline_bytes) {
        throw new AppError('validation_failed', {
          detail: 'The value is larger than the workflow may hold.',
        });
      }
      return value;
    },

    /** The output of a run; a large one goes to its row as a reference. */
    async output(evaluation: Evaluation): Promise<HeldValue> {
      const value = await evaluated(() => evaluate(evaluation));
      const kept = await values.keep(evaluation.run.project_id, value);
      if (kept.output_ref !== null && !(await runs.keepOutput(evaluation.run.id, kept.output_ref)))
        throw new AppError('overloaded', {
          cause: new Error('the output was collected before the run had it'),
        });
      return heldValue(kept);
    },
  };
}

export type EvaluationService = ReturnType<typeof evaluationService>;

async function evaluated<T>(evaluate: () => Promise<T>): Promise<T> {
  try {
    return await evaluate();
  } catch (error) {
    if (error instanceof ExpressionError) throw new AppError('expression_error', { detail: error.message });
    throw error;
  }
}
