import type { RefService } from '../../domain/refs.ts';
import type { WorkflowService } from '../../domain/workflows.ts';
import type { Reply } from '../route.ts';
import { etagOf } from './tags-views.ts';

type Ref = Awaited<ReturnType<RefService['find']>>;
type Version = Awaited<ReturnType<WorkflowService['version']>>;

/** A workflow as the contract's §9 names its fields; without a version it is as old as the workflow itself. */
export function workflowViewOf(row: Ref, project_id: string, definition?: object) {
  const { workflow_id, description, tag, tag_version, kind, cas_id, version_hash, base_version, depth } = row;
  const created_by = row.created_by ?? row.workflow_created_by;
  const created_at = row.created_at ?? row.workflow_created_at;
  return {
    ...{
      workflow_id,
      name: row.workflow,
      description,
      project_id,
      tag,
      tag_version,
      artifact_id: row.id,
      kind,
      cas_id,
    },
    ...{ version_hash, base_version, depth, nodes_count: row.nodes_count, edges_count: row.edges_count },
    ...{ message: row.message, created_by, created_at, definition },
  };
}

/** A workflow with its tag's version as ETag. */
export const workflowReply = (row: Ref, project_id: string, definition?: object): Reply => ({
  status: 200,
  body: workflowViewOf(row, project_id, definition),
  headers: etagOf(row.tag_version),
});

export function versionViewOf(row: Version, definition?: object) {
  const { number, kind, cas_id, version_hash, base_version, depth, op_count, nodes_count, edges_count } = row;
  const { parents, message, created_by, created_at, live } = row;
  return {
    ...{
      number,
      artifact_id: row.id,
      kind,
      cas_id,
      version_hash,
      base_version,
      depth,
      op_count,
      nodes_count,
      edges_count,
    },
    ...{ parents, message, created_by, created_at, live, definition },
  };
}
