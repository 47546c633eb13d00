import type { Definition } from '../../../contract/definition.ts';
import { INTENT_LIMITS } from '../../../contract/intent.ts';
import { builtinNodes } from '../node.ts';

const builtin = builtinNodes({ timeout_seconds: 300, heartbeat_seconds: 30 });

const PLANNED =
  "steps.CreateExecutionPlan.state == 'succeeded' && steps.CreateExecutionPlan.output.status == 'planned'";

/** Understands what is asked for, plans it, and carries the plan out as a run of its own (contract §7). */
export const INTENT_PROCESSING: Definition = {
  schema_version: 1,
  name: 'intent_processing',
  description: 'Understands what somebody asks for, plans it, and carries the plan out.',
  input_schema: {
    type: 'object',
    required: ['intent'],
    additionalProperties: false,
    properties: {
      intent: { type: 'string', minLength: 1, maxLength: INTENT_LIMITS.chars },
      context: { type: 'object', description: 'What is known besides: repository, environment, version …' },
      approve_plan: {
        type: 'boolean',
        description: 'Somebody is to approve the plan before it is carried out.',
      },
    },
  },
  nodes: {
    AnalyzeIntent: builtin({ input: '${{ input }}' }),
    CreateExecutionPlan: {
      ...builtin({ input: '${{ input }}', analysis: '${{ steps.AnalyzeIntent.output }}' }),
      needs: ['AnalyzeIntent'],
    },
    ApprovePlan: {
      type: 'approval',
      needs: ['CreateExecutionPlan'],
      if: `\${{ ${PLANNED} && has(input.approve_plan) && input.approve_plan }}`,
      config: { prompt: 'Carry out this plan? ${{ steps.CreateExecutionPlan.output.summary }}' },
    },
    ExecuteSteps: {
      type: 'run',
      needs: ['CreateExecutionPlan', 'ApprovePlan'],
      if: `\${{ always() && ${PLANNED} && steps.ApprovePlan.state != 'failed' && steps.ApprovePlan.state != 'cancelled' }}`,
      config: { workflow: '${{ steps.CreateExecutionPlan.output.version_hash }}', input: {} },
      continue_on_error: true,
    },
    AggregateResults: {
      ...builtin({
        analysis: '${{ steps.AnalyzeIntent.output }}',
        plan: '${{ steps.CreateExecutionPlan.output }}',
        executed: { state: '${{ steps.ExecuteSteps.state }}', output: '${{ steps.ExecuteSteps.output }}' },
      }),
      needs: ['ExecuteSteps'],
      if: "${{ always() && steps.CreateExecutionPlan.state == 'succeeded' && steps.ApprovePlan.state != 'failed' }}",
    },
  },
  output: '${{ steps.AggregateResults.output }}',
};
