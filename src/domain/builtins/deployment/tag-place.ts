import { AppError } from '../../../contract/errors.ts';
import type { ReleaseRecord } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { TagRow } from '../../../persistence/tags.ts';
import type { Caller } from '../../refs.ts';
import type { TagService } from '../../tags.ts';
import type { Place } from './place.ts';

interface Deps {
  tags: Pick<TagService, 'get' | 'put' | 'undo' | 'delete'>;
}

/** Where workflows are deployed: the tag `<workflow>/<environment>` is moved, and its move undone. */
export function tagPlace({ tags }: Deps): Place {
  async function standing({ project_id }: ReleaseRecord, name: string): Promise<TagRow | undefined> {
    try {
      return await tags.get(project_id, name);
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  return {
    isLive: async ({ release }) =>
      (await standing(release, tagOf(release)))?.target_id === release.source.artifact_id,

    async bring({ release }) {
      const name = tagOf(release);
      const request = {
        target: release.source.artifact_id as string,
        reason: `deployment ${release.run_id}`,
      };
      // A protected tag opens only to who says which version it saw.
      const before = await standing(release, name);
      const expectation = before ? { if_match: before.version } : { expected: null };
      const { tag, outcome } = await tags.put(callerOf(release), name, { ...request, expectation });
      return { tag: name, tag_version: tag.version, changed: outcome !== 'unchanged' };
    },

    async takeBack({ release }, previous): Promise<JsonObject> {
      const name = tagOf(release);
      const now = await standing(release, name);
      if (!now || now.target_id !== release.source.artifact_id)
        return { tag: name, changed: false, detail: 'The tag points elsewhere by now.' };
      if (previous?.source.artifact_id === now.target_id) return { tag: name, changed: false };
      const request = {
        expectation: { if_match: now.version },
        reason: `deployment ${release.run_id} is undone`,
      };
      const undone = await tags.undo(callerOf(release, true), name, request).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'nothing_to_undo') return undefined;
        throw error;
      });
      if (undone) return { tag: name, tag_version: undone.tag.version, changed: true };
      // The deployment made it.
      await tags.delete(callerOf(release, true), name, request);
      return { tag: name, deleted: true, changed: true };
    },
  };
}

const tagOf = ({ subject, environment }: ReleaseRecord): string => `${subject}/${environment}`;

/** The deployment does what its environment lets it, in the name of who started it. */
const callerOf = ({ project_id, created_by, run_id }: ReleaseRecord, undoes = false): Caller => ({
  project_id,
  actor: created_by,
  role: 'owner',
  deployment: { run_id, undoes },
});
