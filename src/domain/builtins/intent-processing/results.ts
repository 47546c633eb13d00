import type { IntentAnalysis } from '../../../contract/intent.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { StepState } from '../../../contract/run.ts';
import type { StepRepository } from '../../../persistence/steps.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';

interface Plan {
  status: 'planned' | 'needs_clarification';
  plan_artifact_id: string | null;
  steps: string[];
  questions: Json[];
}

interface Executed {
  state: StepState;
  output: { run_id: string; state: string } | null;
}

/** AggregateResults: what became of every step of the plan (contract §7). */
export function aggregateResults({ steps }: { steps: Pick<StepRepository, 'values'> }): NodeExecutor {
  return (config) =>
    succeeding(async () => {
      const analysis = config.analysis as unknown as IntentAnalysis;
      const plan = config.plan as unknown as Plan;
      const { output } = config.executed as unknown as Executed;
      const results = output ? await resultsOf(output.run_id) : {};
      const status = statusOf(plan, output, results);
      return {
        status,
        analysis: analysis as unknown as Json,
        plan_artifact_id: plan.plan_artifact_id,
        child_run_id: output?.run_id ?? null,
        results,
        summary: summaryOf(status, plan, results),
        questions: plan.questions,
      };
    });

  async function resultsOf(run_id: string): Promise<Record<string, JsonObject>> {
    const rows = await steps.values(run_id, 'all');
    const entries = rows.map(({ node, state, output, output_ref, error }): [string, JsonObject] => [
      node,
      { state, output: output ?? null, output_ref, error: error as Json },
    ]);
    return Object.fromEntries(entries);
  }
}

function statusOf(plan: Plan, child: Executed['output'], results: Record<string, JsonObject>): string {
  if (plan.status !== 'planned') return plan.status;
  const all_well = Object.values(results).every(({ state }) => state === 'succeeded' || state === 'skipped');
  return child?.state === 'completed' && all_well ? 'completed' : 'completed_with_errors';
}

function summaryOf(status: string, plan: Plan, results: Record<string, JsonObject>): string {
  if (status === 'needs_clarification') return `${plan.questions.length} questions are to be answered first.`;
  const counts = new Map<string, number>();
  for (const { state } of Object.values(results)) {
    const name = state as StepState;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const told = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
  return `${plan.steps.length} steps: ${told || 'none was begun'}.`;
}
