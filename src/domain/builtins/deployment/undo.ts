import type { Environment, ReleaseRecord } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { ReleaseRepository } from '../../../persistence/releases.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';
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
    if (!release || !isStanding(release)) return { release_id: id, changed: false };
    const { project_id, previous_id, state } = release;
    const environment = await environments.find(project_id, release.environment);
    if (!environment) return { release_id: id, detail: 'The environment is gone.' };
    const previous = previous_id === null ? undefined : await releases.find(project_id, previous_id);
    const done = await placeOf(environment).takeBack({ environment, release, context }, previous);
    await releases.takeBack(id, {
      state: state === 'live' ? 'undone' : 'failed',
      reason,
      by: context.run_id,
    });
    return { release_id: id, environment: environment.name, was: state, ...done };
  };
}

/**
 * UndoDeployment: everything the run brought anywhere is taken back, the last first. Nothing stops it but its timeout: the run
 * may be over by now.
 */
export function undoDeployment({
  releases,
  undo,
}: {
  releases: Pick<ReleaseRepository, 'ofRun'>;
  undo: ReleaseUndoer;
}): NodeExecutor {
  return (_config, context) =>
    succeeding(async () => {
      const undone: JsonObject[] = [];
      for (const release of (await releases.ofRun(context.run_id)).reverse())
        if (isStanding(release))
          undone.push(await undo(release.id, context, 'The deployment did not succeed.'));
      return { undone };
    });
}

/** Whether there is something to take back. */
export const isStanding = ({ state }: ReleaseRecord): boolean => state === 'deploying' || state === 'live';
