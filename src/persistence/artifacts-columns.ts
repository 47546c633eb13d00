/** A dag_version or patch_set row, as every read that joins `artifact a` returns it. */
export interface ArtifactRow {
  id: string;
  project_id: string;
  kind: 'dag_version' | 'patch_set' | 'run_manifest' | 'run_snapshot';
  cas_id: string;
  version_hash: string | null;
  plan_hash: string | null;
  base_version: string | null;
  depth: number;
  op_count: number;
  nodes_count: number | null;
  edges_count: number | null;
  parents: string[];
  compacted_from_id: string | null;
  /** The patch that a patch takes back. */
  reverts_id: string | null;
  message: string | null;
  created_by: string;
  created_at: Date;
  /** False once it was collected. */
  live: boolean;
}

/** The columns of `ArtifactRow`; the table must be aliased `a`. */
export const ARTIFACT_COLUMNS = `a.id, a.project_id, a.kind, a.cas_id, a.version_hash, a.plan_hash, a.base_version, a.depth,
  a.op_count, a.nodes_count, a.edges_count, a.parents, a.compacted_from_id, a.reverts_id, a.message, a.created_by, a.created_at, a.live`;
