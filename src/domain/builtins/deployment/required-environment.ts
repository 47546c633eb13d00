import type { Environment } from '../../../contract/deployment.ts';
import type { EnvironmentRepository } from '../../../persistence/environments.ts';
import { StepFailure } from '../../step-error.ts';

export type FindEnvironment = Pick<EnvironmentRepository, 'find'>;

/** The environment a step is for. Throws `StepFailure` `not_found`. */
export async function requiredEnvironment(
  { find }: FindEnvironment,
  project_id: string,
  name: string,
): Promise<Environment> {
  const environment = await find(project_id, name);
  if (environment) return environment;
  throw new StepFailure('not_found', `The project has no environment ${name}.`);
}
