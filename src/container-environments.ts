import { problemsOfSettings } from './clients/deployers/settings-of.ts';
import { createSecretSource } from './container-secrets.ts';
import type { Base, Store } from './container-store.ts';
import { deploymentInputs } from './domain/deployments.ts';
import { environmentService } from './domain/environments.ts';
import { newId } from './ids.ts';
import { environmentRepository } from './persistence/environments.ts';
import { releaseRepository } from './persistence/releases.ts';

/** Where things are deployed to, and what starting a deployment takes. */
export function createEnvironments(
  { config, db }: Pick<Base, 'config' | 'db'>,
  { refs }: Pick<Store, 'refs'>,
) {
  const environments = environmentRepository(db);
  const releases = releaseRepository(db);
  return {
    environments: environmentService({
      environments,
      releases,
      secrets: createSecretSource({ config, db }),
      problemsOfSettings,
      run_commands: config.deployments.run_commands,
      ids: newId,
    }),
    deployments: deploymentInputs({ environments, releases, refs }),
  };
}
