import type { JsonObject } from '../../contract/json.ts';

/** Where a tag of the workflow stood when the run was accepted. */
export interface TagPosition {
  name: string;
  version: number;
  target_id: string;
  target_hash: string;
}

interface ManifestFacts {
  run_id: string;
  request: {
    workflow: string;
    labels: Record<string, string>;
    actor: string;
    overrides?: JsonObject;
    more?: { executor?: string; experiment_id?: string; version_id?: string };
  };
  resolved: {
    workflow: string;
    artifact_id: string;
    version_hash: string;
    tag?: string;
    tag_version?: number;
  };
  tags: TagPosition[];
  params: JsonObject;
  created_at: Date;
}

/** The `run_manifest`: what was asked for, what it resolved to, and where every tag of the workflow stood (contract §4). */
export function manifestOf({
  run_id,
  request,
  resolved,
  tags,
  params,
  created_at,
}: ManifestFacts): JsonObject {
  return {
    schema_version: 1,
    run_id,
    requested_ref: request.workflow,
    resolved: {
      workflow: resolved.workflow,
      artifact_id: resolved.artifact_id,
      version_hash: resolved.version_hash,
      tag: resolved.tag ?? null,
      tag_version: resolved.tag_version ?? null,
    },
    tags: tags.map(({ name, version, target_id, target_hash }) => ({
      name,
      version,
      target_id,
      target_hash,
    })),
    executor: request.more?.executor ?? 'temporal',
    ...(request.more?.experiment_id === undefined ? {} : { experiment: experimentOf(request.more) }),
    params,
    overrides: request.overrides ?? {},
    labels: request.labels,
    created_by: request.actor,
    created_at: created_at.toISOString(),
  };
}

/** As the caller named them: a version may be a label that only the runtime knows. */
function experimentOf({ experiment_id, version_id }: { experiment_id?: string; version_id?: string }) {
  return { experiment_id: experiment_id ?? null, version_id: version_id ?? null };
}
