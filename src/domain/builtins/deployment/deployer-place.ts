import { withArtifactDirectory } from '../../../clients/deployers/artifact-directory.ts';
import type { DeployCall, Deployer, DeployerKind } from '../../../contract/deployer.ts';
import { DeployFailure } from '../../../contract/deployer.ts';
import type { Environment, ReleaseRecord } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { BlobService } from '../../blobs.ts';
import { StepFailure } from '../../step-error.ts';
import { writeArtifact } from './artifact.ts';
import type { Bringing, Place } from './place.ts';

interface Deps {
  /** The deployer of a project for this kind of environment. */
  deployerOf: (project_id: string, kind: DeployerKind) => Deployer;
  blobs: Pick<BlobService, 'get'>;
  /** The environment for its deployer, with the values of its secrets. */
  resolved: (environment: Environment) => Promise<DeployCall['environment']>;
}

interface Way {
  deployer: Deployer;
  call: DeployCall;
}

/** Where applications are deployed: by the deployer of the environment. */
export function deployerPlace({ deployerOf, blobs, resolved }: Deps): Place {
  async function callOf({ environment, context }: Bringing): Promise<Way> {
    const { signal } = context;
    const deployer = deployerOf(environment.project_id, environment.deployer as DeployerKind);
    const call: DeployCall = {
      environment: await resolved(environment),
      signal,
      log: (line) => void context.log('deploy', `${line}\n`).catch(() => undefined),
    };
    return { deployer, call };
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
      asSteps(async () => {
        const { deployer, call } = await callOf(bringing);
        const { current, healthy } = await deployer.status(call);
        return current?.digest === bringing.release.digest && healthy !== false;
      }),

    bring: (bringing) =>
      asSteps(async () => {
        const { changed, evidence } = await deploy(await callOf(bringing), bringing.release);
        return { changed, ...evidence };
      }),

    takeBack: (bringing, previous) =>
      asSteps(async () => {
        const way = await callOf(bringing);
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

/** A failure of the deployer as that of the step, with what was seen. */
async function asSteps<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DeployFailure)) throw error;
    const { code, message, evidence } = error;
    throw new StepFailure(code, message, { output: { evidence: { ...evidence } }, cause: error });
  }
}
