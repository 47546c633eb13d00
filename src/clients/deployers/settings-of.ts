import type { z } from 'zod';
import type { DeployEnvironment, DeployerKind } from '../../contract/deployer.ts';
import { AppError, type Problem } from '../../contract/errors.ts';
import { commandSettings } from './command.ts';
import { dockerComposeSettings } from './docker-compose.ts';
import { kubernetesSettings } from './kubernetes.ts';
import { releaseDirectorySettings } from './release-directory.ts';
import { readSettings } from './settings.ts';
import { webhookSettings } from './webhook.ts';

const SETTINGS_OF: Readonly<Record<DeployerKind, z.ZodType>> = {
  release_directory: releaseDirectorySettings,
  command: commandSettings,
  docker_compose: dockerComposeSettings,
  kubernetes: kubernetesSettings,
  webhook: webhookSettings,
};

/** What a deployer would say against an environment, without deploying anything; pointers are from the environment's root. */
export function problemsOfSettings(kind: DeployerKind, environment: DeployEnvironment): readonly Problem[] {
  try {
    readSettings(SETTINGS_OF[kind], environment);
    return [];
  } catch (error) {
    if (error instanceof AppError && error.code === 'validation_failed') return error.data.errors ?? [];
    throw error;
  }
}
