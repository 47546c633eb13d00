import type { Environment } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { ReleaseRepository } from '../../../persistence/releases.ts';
import type { NodeContext } from '../../nodes/node.ts';
import type { PlaceOf } from './place.ts';

interface Deps {
  environments: { find(project_id: string, name: string): Promise<Environment | undefined> };
  releases: Pick<ReleaseRepository, 'find' | 'takeBack'>;
  placeOf: PlaceOf;
}

/** Takes one release back, unless that was done; what was live before it is live again. Answers what was done. */
export type ReleaseUndoer = (id: string, context: NodeContext, reason: string) => Promise<JsonObject>;

export function releaseUndoer({ environments, releases, placeOf }: Deps): ReleaseUndoer {
  return async (id, context, reason): Promise<JsonObject> => {
    const release = await releases.find(context.project_id, id);
    if (release?.state !== 'deploying' && release?.state !== 'live')
      return { release_id: id, changed: false };
    const { project_id, previous_id, state } = release;
    const environment = await environments.find(project_id, release.environment);
    if (!environment) return { release_id: id, detail: 'The environment is gone.' };
    const previous = previous_id === null ? undefined : await releases.find(project_id, previous_id);
    const done = await placeOf(environment).takeBack({ environment, release, context }, previous);
    await releases.takeBack(id, {
      state: state === 'live' ? 'undone' : 'failed',
      reason,
      evidence_ref: null,
      by: context.run_id,
    });
    return { release_id: id, environment: environment.name, was: state, ...done };
  };
}
