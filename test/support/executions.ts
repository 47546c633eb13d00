import { Client, Connection } from '@temporalio/client';
import type proto from '@temporalio/proto';

export type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

/** Calls `use` with a client of a Temporal server. */
export async function withTemporal<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** Waits until a run has nothing to do: its rows may tell what a task wrote that is not in the history yet. */
export async function untilAtRest(client: Client, id: string): Promise<void> {
  for (;;) {
    const { raw } = await client.workflow.getHandle(id).describe();
    if (!raw.pendingWorkflowTask && !raw.pendingActivities?.length) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The histories of a run's executions, oldest first: more than one when it continued as new. */
export async function historiesOf(client: Client, id: string): Promise<HistoryEvent[][]> {
  const { raw } = await client.workflow.getHandle(id).describe();
  const histories: HistoryEvent[][] = [];
  let run_id = raw.workflowExecutionInfo?.firstRunId;
  while (run_id) {
    const events = (await client.workflow.getHandle(id, run_id).fetchHistory()).events ?? [];
    histories.push(events);
    run_id = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return histories;
}

/** How many of the events have these attributes. */
export const countOf = (events: readonly HistoryEvent[], attributes: keyof HistoryEvent): number =>
  events.filter((event) => event[attributes]).length;
