import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;
const { DescribeWorkflowExecutionResponse, DescribeScheduleResponse, ListWorkflowExecutionsResponse } =
  proto.temporal.api.workflowservice.v1;

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

/** What Temporal itself has, as it came over gRPC: nothing is decoded. */
export interface Raw {
  events: HistoryEvent[];
  /** The bytes of all histories of all executions, and of their descriptions. */
  bytes: Buffer;
}

/** Everything Temporal has of an execution and of those it continued as. */
export async function rawOf(client: Client, id: string): Promise<Raw> {
  const { namespace } = client.options;
  const describe = (runId?: string) =>
    client.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId: id, runId } });
  const parts: Uint8Array[] = [];
  const events: HistoryEvent[] = [];
  let run_id = (await describe()).workflowExecutionInfo?.firstRunId;
  while (run_id) {
    const description = await describe(run_id);
    const history = await client.workflow.getHandle(id, run_id).fetchHistory();
    parts.push(
      DescribeWorkflowExecutionResponse.encode(description).finish(),
      History.encode(history).finish(),
    );
    events.push(...(history.events ?? []));
    run_id = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return { events, bytes: Buffer.concat(parts) };
}

export async function rawSchedule(client: Client, scheduleId: string): Promise<Buffer> {
  const { namespace } = client.options;
  const answer = await client.workflowService.describeSchedule({ namespace, scheduleId });
  return Buffer.from(DescribeScheduleResponse.encode(answer).finish());
}

/** What a list of executions answers, and the ids in it. */
export async function rawList(client: Client, query: string): Promise<{ ids: string[]; bytes: Buffer }> {
  const { namespace } = client.options;
  const answer = await client.workflowService.listWorkflowExecutions({ namespace, query });
  const ids = answer.executions.map(({ execution }) => execution?.workflowId ?? '');
  return { ids, bytes: Buffer.from(ListWorkflowExecutionsResponse.encode(answer).finish()) };
}

/** The ids of the keys that payloads in these bytes were encrypted with. */
export function keysIn(bytes: Buffer): Set<string> {
  // Between name and id are a tag and a length.
  const found = bytes.toString('latin1').matchAll(/encryption-key-id[^]{2}([0-9a-f]{16})/g);
  return new Set([...found].map(([, id]) => id!));
}
