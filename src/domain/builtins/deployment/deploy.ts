import type { Environment, EnvironmentCheck, ReleaseRecord } from '../../../contract/deployment.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { ReleaseRepository } from '../../../persistence/releases.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { derivedId } from '../../rules/derived-id.ts';
import { isForTags } from '../../rules/environment-setup.ts';
import { StepFailure } from '../../step-error.ts';
import type { BuiltArtifact } from './artifact.ts';
import { configurationOf } from './configuration.ts';
import type { LiveReleases } from './live.ts';
import type { PlaceOf } from './place.ts';
import { type FindEnvironment, requiredEnvironment } from './required-environment.ts';

export interface DeployDeps {
  environments: FindEnvironment;
  releases: Pick<ReleaseRepository, 'begin' | 'goLive'>;
  live: LiveReleases;
  placeOf: PlaceOf;
  /** Who started the run. */
  starterOf: (run_id: string) => Promise<string>;
}

/** What is live after DeployToStaging and DeployToProduction. */
export interface Deployed extends JsonObject {
  environment: string;
  release_id: string;
  digest: string;
  /** False: it was live already, and nothing was done. */
  changed: boolean;
  live_at: string;
  evidence: JsonObject;
  /** The definitions that must work with it. */
  smoke_runs: { workflow: string; input: Json }[];
}

/** DeployToStaging and DeployToProduction: one release begins, is brought to its place, and is live. */
export function deployStep(deps: DeployDeps): NodeExecutor {
  const { environments, releases, placeOf } = deps;

  async function bring(config: JsonObject, context: NodeContext): Promise<Deployed> {
    const { subject, artifact, force } = config as unknown as {
      subject: string;
      artifact: BuiltArtifact;
      force: boolean;
    };
    requireApproved(artifact, config.approved as (string | null)[] | undefined);
    const environment = await requiredEnvironment(
      environments,
      context.project_id,
      config.environment as string,
    );
    const source = { ...artifact.source, configuration: configurationOf(environment) };
    // The same for every attempt of the step, so that one that is tried again goes on with its release.
    const id = derivedId('release', context.run_id, context.node);
    const is = (release: ReleaseRecord) => release.digest === artifact.digest && release.id !== id;
    const there = force ? undefined : await deps.live({ environment, subject, context, is });
    if (there) return deployed(there, environment, false, {});
    const release = await releases.begin({
      id,
      environment_id: environment.id,
      subject,
      kind: isForTags(environment) ? 'workflow' : 'application',
      digest: artifact.digest,
      artifact_ref: artifact.artifact_ref,
      source,
      run_id: context.run_id,
      created_by: await deps.starterOf(context.run_id),
    });
    const evidence = await placeOf(environment).bring({ environment, release, context });
    return deployed(await releases.goLive(release.id), environment, true, evidence);
  }

  return (config, context) => succeeding(() => bring(config, context));
}

/** An approval is of a digest: one that names another is of something else. */
function requireApproved({ digest }: BuiltArtifact, approved: (string | null)[] = []): void {
  if (approved.every((one) => one === null || one === digest)) return;
  throw new StepFailure('approval_mismatch', `What was approved is not ${digest}.`);
}

function deployed(
  { id, digest, live_at, source }: ReleaseRecord,
  environment: Environment,
  changed: boolean,
  evidence: JsonObject,
): Deployed {
  const of_itself = source.version_hash as string | undefined;
  return {
    environment: environment.name,
    release_id: id,
    digest,
    changed,
    live_at: live_at!.toISOString(),
    evidence,
    smoke_runs: environment.checks.flatMap((check) => smokeRun(check, of_itself)),
  };
}

function smokeRun(check: EnvironmentCheck, of_itself: string | undefined) {
  if (check.type !== 'workflow') return [];
  return [{ workflow: check.workflow ?? of_itself!, input: check.input ?? {} }];
}
