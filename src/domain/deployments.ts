import { USUAL_ENVIRONMENTS, type Environment, type ReleaseRecord } from '../contract/deployment.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { EnvironmentRepository } from '../persistence/environments.ts';
import type { ReleaseRepository } from '../persistence/releases.ts';
import type { RefService } from './refs.ts';
import { isForTags } from './rules/environment-setup.ts';

interface Deps {
  environments: Pick<EnvironmentRepository, 'find'>;
  releases: Pick<ReleaseRepository, 'current' | 'find'>;
  refs: Pick<RefService, 'resolve'>;
}

export interface RollbackWish {
  environment: string;
  /** Without it: what was live before what is live now. */
  release_id?: string;
  /** Whose release, where workflows are deployed and no release is named. */
  workflow?: string;
}

export interface DeployWish {
  environment: string;
  deploy_to_staging?: boolean;
  watch_seconds?: number;
}

/** What a run of `deployment` is given for what a caller wants. */
export interface DeploymentInputs {
  /** Throws `not_found`, `validation_failed`, `state_conflict`, and `nothing_to_undo` when nothing was live before. */
  forRollback(project_id: string, wish: RollbackWish): Promise<JsonObject>;
  /** Throws what resolving `ref` throws, and `validation_failed` where no workflow can be deployed. */
  forWorkflow(project_id: string, ref: string, wish: DeployWish): Promise<JsonObject>;
}

export function deploymentInputs({ environments, releases, refs }: Deps): DeploymentInputs {
  async function earlier(
    project_id: string,
    wish: RollbackWish,
    { id }: Environment,
  ): Promise<ReleaseRecord> {
    const { release_id, workflow = '' } = wish;
    if (release_id !== undefined) {
      const release = await releases.find(project_id, release_id);
      if (release?.environment_id === id) return release;
      throw invalid('/release_id', 'is no release of this environment');
    }
    const current = await releases.current(id, workflow);
    const before = current?.previous_id && (await releases.find(project_id, current.previous_id));
    if (before) return before;
    throw new AppError('nothing_to_undo', { detail: 'Nothing was live there before what is live now.' });
  }

  return {
    async forRollback(project_id, wish) {
      const environment = await environments.find(project_id, wish.environment);
      if (!environment) throw new AppError('not_found');
      requireSubject(wish, environment);
      const release = await earlier(project_id, wish, environment);
      if (wish.workflow !== undefined && wish.workflow !== release.subject)
        throw invalid('/release_id', `is no release of the workflow ${wish.workflow}`);
      if (release.live_at === null)
        throw new AppError('state_conflict', { detail: `The release ${release.id} was never live.` });
      const { kind, subject, id: release_id } = release;
      const { environment: name } = wish;
      return { kind, environment: name, release_id, ...(subject !== '' && { workflow: subject }) };
    },

    async forWorkflow(project_id, ref, { environment: name, ...more }) {
      const environment = await environments.find(project_id, name);
      if (!environment && !(USUAL_ENVIRONMENTS as readonly string[]).includes(name))
        throw invalid('/environment', 'is no environment of this project');
      if (environment && !isForTags(environment))
        throw invalid('/environment', 'is for applications, not for workflows');
      const { workflow, artifact_id: version } = await refs.resolve(project_id, ref);
      if (workflow === null)
        throw new AppError('state_conflict', {
          detail: 'No tag leads to this version, so that it belongs to no workflow; deploy it by a tag.',
        });
      return { kind: 'workflow', workflow, version, environment: name, ...more };
    },
  };
}

function requireSubject({ release_id, workflow }: RollbackWish, environment: Environment): void {
  if (isForTags(environment)) {
    if (release_id === undefined && workflow === undefined)
      throw invalid('/workflow', 'is needed: here each workflow has releases of its own');
  } else if (workflow !== undefined) throw invalid('/workflow', 'is for environments that workflows go to');
}

const invalid = (path: string, message: string) =>
  new AppError('validation_failed', { errors: [{ path, message }] });
