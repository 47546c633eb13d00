import { startChild, type ChildWorkflowHandle, type ParentClosePolicy } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES, type DagInput, type Workflows } from '../src/contract/workflows.ts';

/** Starts a run as a child of this execution, as the API starts one: same id, same attributes, same memo. */
export function startDag(
  input: DagInput,
  parentClosePolicy: ParentClosePolicy,
): Promise<ChildWorkflowHandle<Workflows['dag']>> {
  const { run, version_hash, type = 'dag' } = input;
  return startChild<Workflows['dag']>(type, {
    args: [input],
    workflowId: run.id,
    workflowTaskTimeout: '5s',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    parentClosePolicy,
    searchAttributes: {
      [SEARCH_ATTRIBUTES.workflow]: [run.workflow],
      [SEARCH_ATTRIBUTES.project]: [run.project_id],
      [SEARCH_ATTRIBUTES.type]: [type],
      [SEARCH_ATTRIBUTES.state]: ['running'],
    },
    memo: { workflow: run.workflow, project_id: run.project_id, type, version_hash },
    staticSummary: run.workflow,
  });
}
