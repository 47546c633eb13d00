import type { JsonObject } from '../contract/json.ts';
import type { DefinitionService } from './materialise.ts';
import type { RefService } from './refs.ts';
import { type DefinitionDiff, diffDefinitions } from './rules/diff.ts';

export interface RefDiff extends DefinitionDiff {
  /** Version hashes of the two definitions that were compared. */
  from: string;
  to: string;
}

export interface DiffService {
  /** Compares what two references mean now. Throws what `RefService.resolve` throws. */
  compare(project_id: string, refs: { from: string; to: string }): Promise<RefDiff>;
}

export interface DiffDeps {
  refs: Pick<RefService, 'resolve'>;
  definitions: Pick<DefinitionService, 'read'>;
}

export function diffService({ refs, definitions }: DiffDeps): DiffService {
  const load = async (project_id: string, ref: string) => {
    const resolved = await refs.resolve(project_id, ref);
    return {
      hash: resolved.version_hash,
      document: (await definitions.read(project_id, resolved)) as unknown as JsonObject,
    };
  };
  return {
    compare: async (project_id, { from, to }) => {
      const [before, after] = await Promise.all([load(project_id, from), load(project_id, to)]);
      return { from: before.hash, to: after.hash, ...diffDefinitions(before.document, after.document) };
    },
  };
}
