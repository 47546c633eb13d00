import type { DeployCall } from '../../../contract/deployer.ts';
import type { Environment } from '../../../contract/deployment.ts';
import type { Json } from '../../../contract/json.ts';
import { refuseCommands, secretNamed } from '../../rules/environment-setup.ts';
import type { SecretSource } from '../../secrets.ts';
import { StepFailure } from '../../step-error.ts';

interface Deps {
  secrets: SecretSource;
  /** Whether environments may run programs on this machine; it may have been allowed when this one was set up. */
  run_commands: boolean;
}

/**
 * The environment as its deployer takes it: secrets have their values, which are looked up each time and kept nowhere. Throws
 * `StepFailure` `secret_missing`, with names only, and `forbidden`.
 */
export function resolvedEnvironment({ secrets, run_commands }: Deps) {
  return async (environment: Environment): Promise<DeployCall['environment']> => {
    refuseCommands(environment, { run_commands });
    const { project_id, name, settings, variables, secrets: named } = environment;
    const valueOf = async (secret: string): Promise<string> => {
      const value = await secrets.find(project_id, secret);
      if (value !== undefined) return value;
      throw new StepFailure('secret_missing', `The project has no secret ${secret}.`);
    };
    const filled = async (value: Json): Promise<Json> => {
      if (typeof value === 'string') {
        const secret = secretNamed(value);
        return secret === undefined ? value : valueOf(secret);
      }
      if (Array.isArray(value)) return Promise.all(value.map(filled));
      if (typeof value !== 'object' || value === null) return value;
      const entries = Object.entries(value).map(async ([key, inner]) => [key, await filled(inner)] as const);
      return Object.fromEntries(await Promise.all(entries));
    };
    const secret_variables = Object.entries(named).map(
      async ([variable, secret]) => [variable, await valueOf(secret)] as const,
    );
    return {
      name,
      settings: (await filled(settings)) as Record<string, Json>,
      variables: { ...variables, ...Object.fromEntries(await Promise.all(secret_variables)) },
    };
  };
}
