import type { DeployCall } from '../../../contract/deployer.ts';
import type { Environment } from '../../../contract/deployment.ts';
import type { Json } from '../../../contract/json.ts';
import { refuseCommands, secretNamed, secretsIn } from '../../rules/environment-setup.ts';
import { type Masker, maskerOf } from '../../rules/masking.ts';
import type { SecretSource } from '../../secrets.ts';
import { StepFailure } from '../../step-error.ts';

interface Deps {
  secrets: SecretSource;
  /** Whether environments may run programs on this machine; it may have been allowed when this one was set up. */
  run_commands: boolean;
}

/** An environment with the values of its secrets, and what takes them out of anything that is to be seen. */
export interface ResolvedEnvironment {
  environment: DeployCall['environment'];
  masker: Masker;
}

/**
 * The environment as its deployer takes it: secrets have their values, which are looked up each time, all at once, and kept
 * nowhere. Throws `StepFailure` `secret_missing`, with names only, `secrets_unavailable` and `forbidden`.
 */
export function resolvedEnvironment({ secrets, run_commands }: Deps) {
  return async (environment: Environment): Promise<ResolvedEnvironment> => {
    refuseCommands(environment, { run_commands });
    const { project_id, name, settings, variables, secrets: named } = environment;
    const names = [...Object.values(named), ...secretsIn(settings).map((one) => one.name)];
    const values = await secrets.findAll(project_id, [...new Set(names)]);
    const valueOf = (secret: string): string => {
      const value = values.get(secret);
      if (value !== undefined) return value;
      throw new StepFailure('secret_missing', `The project has no secret ${secret}.`);
    };
    const secret_variables = Object.entries(named).map(([variable, secret]) => [variable, valueOf(secret)]);
    return {
      environment: {
        name,
        settings: filled(settings, valueOf) as Record<string, Json>,
        variables: { ...variables, ...(Object.fromEntries(secret_variables) as Record<string, string>) },
      },
      masker: maskerOf([...values.values()]),
    };
  };
}

function filled(value: Json, valueOf: (secret: string) => string): Json {
  if (typeof value === 'string') {
    const secret = secretNamed(value);
    return secret === undefined ? value : valueOf(secret);
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, valueOf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner, valueOf)]));
}
