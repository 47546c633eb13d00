import path from 'node:path';
import { commandDeployer } from './clients/deployers/command.ts';
import { dockerComposeDeployer } from './clients/deployers/docker-compose.ts';
import { kubernetesDeployer } from './clients/deployers/kubernetes.ts';
import { releaseDirectoryDeployer } from './clients/deployers/release-directory.ts';
import { webhookDeployer } from './clients/deployers/webhook.ts';
import { createGuardedFetch, type GuardedFetch } from './clients/http/guarded-fetch.ts';
import { createSecretSource } from './container-secrets.ts';
import type { Base, Store } from './container-store.ts';
import type { Deployer, DeployerKind } from './contract/deployer.ts';
import type { Environment } from './contract/deployment.ts';
import type { Sandbox } from './contract/sandbox.ts';
import { applicationSteps } from './domain/builtins/deployment/build-application.ts';
import { workflowSteps } from './domain/builtins/deployment/build-workflow.ts';
import { environmentChecks } from './domain/builtins/deployment/checks.ts';
import { concludeDeployment } from './domain/builtins/deployment/conclude.ts';
import { deployerPlace } from './domain/builtins/deployment/deployer-place.ts';
import { deployStep } from './domain/builtins/deployment/deploy.ts';
import { liveReleases } from './domain/builtins/deployment/live.ts';
import { resolvedEnvironment } from './domain/builtins/deployment/resolved.ts';
import { runSmokeTests } from './domain/builtins/deployment/smoke.ts';
import { sourceFinder } from './domain/builtins/deployment/source-of.ts';
import { tagPlace } from './domain/builtins/deployment/tag-place.ts';
import { targetFinder } from './domain/builtins/deployment/targets.ts';
import { releaseUndoer, undoDeployment } from './domain/builtins/deployment/undo.ts';
import { validateDeployment } from './domain/builtins/deployment/validate.ts';
import { healthCheck } from './domain/builtins/deployment/watch.ts';
import type { Sources } from './domain/builtins/source.ts';
import { isForTags } from './domain/rules/environment-setup.ts';
import { newId } from './ids.ts';
import { environmentRepository } from './persistence/environments.ts';
import { releaseRepository } from './persistence/releases.ts';
import { runOutcomes } from './persistence/run-outcomes.ts';

/** Of a deployment that waits for another one of the same environments. */
const PATIENCE_MS = 25 * 60_000;
const HTTP_TIMEOUT_MS = 30_000;

/** The steps of `deployment` that need no sandbox. */
export function createDeploymentSteps(base: Base, store: Store, sources: Sources) {
  const { db } = base;
  const environments = environmentRepository(db);
  const releases = releaseRepository(db);
  const fetch = createFetch(base);
  const resolved = createResolved(base);
  const place = {
    tag: tagPlace({ tags: store.tags }),
    deployer: deployerPlace({ deployerOf: createDeployers(base, fetch), blobs: store.blobs, resolved }),
  };
  const placeOf = (environment: Environment) => (isForTags(environment) ? place.tag : place.deployer);
  const undo = releaseUndoer({ environments, releases, placeOf });
  const live = liveReleases({ releases, placeOf });
  const starterOf = async (run_id: string) => (await store.run_rows.findAny(run_id))!.created_by;
  const deploy = deployStep({ environments, releases, live, placeOf, starterOf });
  const checks = environmentChecks({ fetch, resolved });
  const { refs, steps } = store;
  return {
    ValidateDeployment: validateDeployment({
      targets: targetFinder({ environments, refs, ids: newId }),
      sourceOf: sourceFinder({ sources, refs }),
      releases,
      live,
      undo,
      patience_ms: PATIENCE_MS,
    }),
    ...workflowSteps(store),
    DeployToStaging: deploy,
    RunSmokeTests: runSmokeTests({ environments, checks }),
    DeployToProduction: deploy,
    HealthCheck: healthCheck({ environments, checks, outcomes: (of) => runOutcomes(db, of) }),
    UndoDeployment: undoDeployment({ releases, undo }),
    ConcludeDeployment: concludeDeployment({ releases, steps }),
  };
}

/** What builds and tests applications, where a sandbox is. */
export const createBuildSteps = (sources: Sources, { blobs }: Pick<Store, 'blobs'>, sandbox: Sandbox) =>
  applicationSteps({ sources, sandbox, blobs });

function createResolved(base: Base) {
  const { run_commands } = base.config.deployments;
  return resolvedEnvironment({ secrets: createSecretSource(base), run_commands });
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** Who may run programs on this machine may call what they serve. */
function createFetch({ config }: Base) {
  const { allow_hosts } = config.deployments;
  const allow = config.deployments.run_commands ? [...allow_hosts, ...LOOPBACK] : allow_hosts;
  return createGuardedFetch({ allow, timeout_ms: HTTP_TIMEOUT_MS });
}

/** The deployer of a kind, whose environments are told apart by project. */
function createDeployers(
  base: Base,
  fetch: GuardedFetch,
): (project_id: string, kind: DeployerKind) => Deployer {
  const { directory, allow_hosts } = base.config.deployments;
  const connect = (ca: string | undefined) =>
    createGuardedFetch({ allow: allow_hosts, timeout_ms: HTTP_TIMEOUT_MS, ca });
  const make = {
    release_directory: releaseDirectoryDeployer,
    command: commandDeployer,
    docker_compose: dockerComposeDeployer,
    webhook: webhookDeployer,
  };
  return (project_id, kind) => {
    const deps = { base_directory: path.join(directory, project_id), fetch };
    return kind === 'kubernetes' ? kubernetesDeployer({ ...deps, connect }) : make[kind](deps);
  };
}
