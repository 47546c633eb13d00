import type { Json, JsonObject } from '../../../contract/json.ts';
import { canonicalJson } from '../../../language/canonical-json.ts';
import type { NodeContext } from '../../nodes/node.ts';
import type { RefService } from '../../refs.ts';
import type { Sources } from '../source.ts';
import type { DeploymentInput } from './input.ts';

interface Deps {
  sources: Sources;
  refs: Pick<RefService, 'resolve'>;
}

export type SourceFinder = (input: DeploymentInput, context: NodeContext) => Promise<JsonObject>;

/**
 * What exactly is deployed: a commit, or a version of a workflow, pinned. `key` is the same for what would make the same
 * artifact. Rejects with what cannot be found.
 */
export function sourceFinder({ sources, refs }: Deps): SourceFinder {
  return async (input, { project_id, signal }): Promise<JsonObject> => {
    if (input.kind === 'workflow') {
      const { artifact_id, version_hash } = await refs.resolve(project_id, input.version ?? input.workflow!);
      return { artifact_id, version_hash, key: version_hash };
    }
    const { repository, version, path = null, build = null } = input as Required<DeploymentInput>;
    const commit = await sources(
      { project_id, repository, ref: version, depth: 1, signal },
      // eslint-disable-next-line @typescript-eslint/require-await -- what is lent is gone after this
      async (opened) => opened.commit,
    );
    const key = canonicalJson([commit, path, build as unknown as Json]);
    return { repository, ref: version ?? null, commit, path, key };
  };
}
