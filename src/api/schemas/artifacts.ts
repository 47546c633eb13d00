import { z } from 'zod';
import { anyJson, contentHash, instant, jsonObject, pageQuery, queryFlag, uuid } from './conventions.ts';

export const artifactParams = z.strictObject({ id: uuid });
export const materialiseQuery = z.strictObject({ materialize: queryFlag.default(false) });
export const chainQuery = z.strictObject(pageQuery);

const artifactFields = {
  id: z.string(),
  project_id: z.string(),
  kind: z.enum(['dag_version', 'patch_set', 'run_manifest', 'run_snapshot']),
  cas_id: contentHash,
  version_hash: contentHash.nullable(),
  plan_hash: contentHash.nullable(),
  base_version: z.string().nullable(),
  depth: z.int(),
  op_count: z.int(),
  nodes_count: z.int().nullable(),
  edges_count: z.int().nullable(),
  parents: z.array(z.string()),
  compacted_from_id: z.string().nullable(),
  reverts_id: z.string().nullable(),
  message: z.string().nullable(),
  created_by: z.string(),
  created_at: instant,
  live: z.boolean().meta({ description: 'False once it was collected.' }),
};

export const artifactView = z
  .object({ ...artifactFields, definition: jsonObject.optional() })
  .meta({ id: 'Artifact' });

export const linkView = z
  .object({ seq: z.int(), ...artifactFields, parent_id: z.string().nullable() })
  .meta({ id: 'ChainLink' });

export const chainView = z
  .object({
    artifact_id: z.string(),
    base_version: z.string().nullable(),
    depth: z.int(),
    items: z.array(linkView),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'Chain' });

export const operations = z
  .array(anyJson)
  .meta({ description: 'A JSON Patch (RFC 6902): `[{op, path, value?, from?}]`, at most 1,000 operations.' });
