import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { newId } from '../../../src/ids.ts';
import type { Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';

export interface Report {
  checked: number;
  repaired: Record<string, number>;
  findings: { kind: string; run_id: string; detail: string; repaired: boolean }[];
}

/** What an operator does in Temporal Web UI, and what the reconciler makes of it. */
export interface TemporalSide {
  client: Client;
  /** Resets to the last workflow task that had completed before the first event that `isBefore` is true for. */
  reset(run_id: string, isBefore: (event: HistoryEvent) => boolean): Promise<string>;
  describe(run_id: string): ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>;
  close(): Promise<void>;
}

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** Signals that came after the point are not given again. */
const REAPPLY_NOTHING = 2;

export async function temporalSide(): Promise<TemporalSide> {
  const connection = await Connection.connect({ address: testTemporal() });
  const client = new Client({ connection });
  return {
    client,
    describe: (run_id) => client.workflow.getHandle(run_id).describe(),
    async reset(run_id, isBefore) {
      const { runId } = await client.workflow.getHandle(run_id).describe();
      const task = await lastTaskBefore(client.workflow.getHandle(run_id, runId), isBefore);
      const answer = await client.workflowService.resetWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId: run_id, runId },
        workflowTaskFinishEventId: task.eventId!,
        resetReapplyType: REAPPLY_NOTHING,
        reason: 'by an operator',
        requestId: newId(),
      });
      return answer.runId;
    },
    close: () => connection.close(),
  };
}

/** A run's row is ahead of the history: the task that wrote it may not have completed yet. */
async function lastTaskBefore(
  handle: WorkflowHandle,
  isBefore: (event: HistoryEvent) => boolean,
): Promise<HistoryEvent> {
  for (;;) {
    const events = (await handle.fetchHistory()).events ?? [];
    const until = events.findIndex(isBefore);
    const task = events
      .slice(0, until < 0 ? undefined : until)
      .findLast((event) => event.workflowTaskCompletedEventAttributes);
    if (task) return task;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** One pass, by hand; answers what it did. */
export async function reconcile(product: Product, dry_run = false): Promise<Report> {
  const { status, body } = await product.call<Report & Record<string, unknown>>(
    'POST',
    '/admin/reconcile?wait=60',
    { dry_run },
  );
  if (status !== 200) throw new Error(`reconcile answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Makes runs old enough to be looked at. */
export async function age(product: Product): Promise<void> {
  await product.database.pool.query(
    `UPDATE run SET created_at = created_at - interval '1 minute' WHERE ended_at IS NULL`,
  );
}

/** Waits for a step of a run to be in a state. */
export async function untilStep(product: Product, id: string, node: string, state: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await product.steps(id)).some((step) => step.node === node && step.state === state)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${node} never became ${state}`);
}
