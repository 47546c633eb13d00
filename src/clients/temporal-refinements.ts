import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { refinementId, type RefinementInput } from '../contract/refinement.ts';
import { asTemporalError } from './temporal.ts';

export interface TemporalRefinements {
  /** Starts the workflow of a proposal, or finds it started. Throws `temporal_unavailable`. */
  start(input: RefinementInput): Promise<void>;
}

export function temporalRefinements(
  client: Client,
  { task_queue }: { task_queue: string },
): TemporalRefinements {
  return {
    async start(input) {
      try {
        await client.workflow.start('refinement', {
          workflowId: refinementId(input.proposal_id),
          taskQueue: task_queue,
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
        });
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return;
        throw asTemporalError(error);
      }
    },
  };
}
