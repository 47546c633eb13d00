import { USUAL_ENVIRONMENTS, type Environment, type EnvironmentSetup } from '../../../contract/deployment.ts';
import type { EnvironmentRepository } from '../../../persistence/environments.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { isForTags } from '../../rules/environment-setup.ts';
import { StepFailure } from '../../step-error.ts';
import type { RefService } from '../../refs.ts';
import type { DeploymentInput } from './input.ts';

/** The environments of a deployment, and what is told apart in them. */
export interface Targets {
  target: Environment;
  staging: Environment | null;
  /** The workflow's name; '' for applications. */
  subject: string;
}

interface Deps {
  environments: Pick<EnvironmentRepository, 'find' | 'inTurn'>;
  refs: Pick<RefService, 'resolve'>;
  ids: () => string;
}

export type TargetFinder = (input: DeploymentInput, context: NodeContext) => Promise<Targets>;

const [STAGING, PRODUCTION] = USUAL_ENVIRONMENTS;

/**
 * Finds where a deployment goes. For workflows `staging` and `production` are there without being set up. Throws `StepFailure`
 * `not_found`, `validation_failed`.
 */
export function targetFinder({ environments, refs, ids }: Deps): TargetFinder {
  async function environmentOf(
    { kind }: DeploymentInput,
    name: string,
    { project_id }: NodeContext,
  ): Promise<Environment> {
    const is_usual = kind === 'workflow' && (name === STAGING || name === PRODUCTION);
    const found =
      (await environments.find(project_id, name)) ?? (is_usual ? await make(project_id, name) : undefined);
    if (!found) throw new StepFailure('not_found', `The project has no environment ${name}.`);
    if (isForTags(found) === (kind === 'workflow')) return found;
    const message = `${name} is for ${isForTags(found) ? 'workflows' : 'applications'}.`;
    throw new StepFailure('validation_failed', message);
  }

  function make(project_id: string, name: string): Promise<Environment> {
    return environments.inTurn(project_id, async (changes) => {
      const there = await changes.find(project_id, name);
      return there ?? changes.insert(usual(name), { project_id, id: ids(), actor: 'engine' });
    });
  }

  /** A name, or any reference that leads to one. */
  async function subjectOf({ kind, workflow }: DeploymentInput, project_id: string): Promise<string> {
    if (kind !== 'workflow') return '';
    const { workflow: name } = await refs.resolve(project_id, workflow!);
    if (name !== null) return name;
    throw new StepFailure('validation_failed', `${workflow} leads to no workflow with a name.`);
  }

  return async (input, context) => {
    const target = await environmentOf(input, input.environment, context);
    const subject = await subjectOf(input, context.project_id);
    const wanted = input.release_id === undefined && input.deploy_to_staging !== false;
    if (input.deploy_to_staging && target.staging === null)
      throw new StepFailure('validation_failed', `${target.name} has no staging environment.`);
    const staging = wanted && target.staging ? await environmentOf(input, target.staging, context) : null;
    return { target, staging, subject };
  };
}

/** What everybody has: a tag that anybody may move as well. */
const usual = (name: string): EnvironmentSetup => ({
  name,
  description: '',
  deployer: 'tag',
  settings: {},
  variables: {},
  secrets: {},
  checks: [],
  watch_seconds: 0,
  staging: name === PRODUCTION ? STAGING : null,
  approval: null,
  binds_tags: false,
});
