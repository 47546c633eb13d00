import { withArtifactDirectory } from '../../../clients/deployers/artifact-directory.ts';
import type { DeployCall, Deployer, DeployerKind } from '../../../contract/deployer.ts';
import { DeployFailure } from '../../../contract/deployer.ts';
import type { Environment, ReleaseRecord } from '../../../contract/deployment.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { BlobService } from '../../blobs.ts';
import type { Masker } from '../../rules/masking.ts';
import { withoutSecrets } from '../../secrets-step.ts';
import { StepFailure } from '../../step-error.ts';
import { writeArtifact } from './artifact.ts';
import type { Bringing, Place } from './place.ts';
import type { ResolvedEnvironment } from './resolved.ts';

interface Deps {
  /** The deployer of a project for this kind of environment. */
  deployerOf: (project_id: string, kind: DeployerKind) => Deployer;
  blobs: Pick<BlobService, 'get'>;
  /** The environment for its deployer, with the values of its secrets. */
  resolved: (environment: Environment) => Promise<ResolvedEnvironment>;
}

interface Way {
  deployer: Deployer;
  call: DeployCall;
}

/** Where applications are deployed: by the deployer of the environment. */
export function deployerPlace({ deployerOf, blobs, resolved }: Deps): Place {
  /** Does the work with the environment's deployer; what it says and throws has none of the secrets in it. */
  async function onTheWay<T extends Json>(
    { environment, context }: Bringing,
    work: (way: Way) => Promise<T>,
  ): Promise<T> {
    const { signal } = context;
    const deployer = deployerOf(environment.project_id, environment.deployer as DeployerKind);
    const known = await resolved(environment);
    const { masker } = known;
    const call: DeployCall = {
      environment: known.environment,
      signal,
      log: (line) => void context.log('deploy', `${masker.text(line, true)}\n`).catch(() => undefined),
    };
    return asSteps(masker, () => work({ deployer, call }));
  }

  const deploy = ({ deployer, call }: Way, { id, digest, artifact_ref, project_id }: ReleaseRecord) =>
    withArtifactDirectory(async (directory) => {
      await writeArtifact(blobs, { project_id, ref: artifact_ref!, directory });
      return deployer.deploy({ ...call, release_id: id, digest, artifact: directory });
    });

  /** Only what this release made live: what somebody else did there is theirs. */
  async function withdraw({ deployer, call }: Way, { id }: ReleaseRecord): Promise<JsonObject> {
    const { current } = await deployer.status(call);
    if (current?.release_id !== id) return { withdrawn: null };
    await deployer.withdraw(call);
    return { withdrawn: id };
  }

  return {
    isLive: (bringing) =>
      onTheWay(bringing, async ({ deployer, call }) => {
        const { current, healthy } = await deployer.status(call);
        return current?.digest === bringing.release.digest && healthy !== false;
      }),

    bring: (bringing) =>
      onTheWay(bringing, async (way) => {
        const { changed, evidence } = await deploy(way, bringing.release);
        return { changed, ...evidence };
      }),

    takeBack: (bringing, previous) =>
      onTheWay(bringing, async (way) => {
        const { deployer, call } = way;
        if (!previous) return withdraw(way, bringing.release);
        const done = await deployer.rollback({ ...call, to: previous.id }).catch((error: unknown) => {
          // The deployer keeps only so many; we keep them all.
          if (error instanceof DeployFailure && error.code === 'release_unknown')
            return deploy(way, previous);
          throw error;
        });
        return { back_to: previous.id, changed: done.changed, ...done.evidence };
      }),
  };
}

/** What was seen, and a failure of the deployer as that of the step, without the secrets. */
async function asSteps<T extends Json>(masker: Masker, work: () => Promise<T>): Promise<T> {
  try {
    return masker.json(await work()) as T;
  } catch (error) {
    if (!(error instanceof DeployFailure)) throw withoutSecrets(masker, error);
    const { code, message, evidence } = error;
    const output = masker.json({ evidence: { ...evidence } });
    throw new StepFailure(code, masker.text(message), { output, cause: withoutSecrets(masker, error) });
  }
}
