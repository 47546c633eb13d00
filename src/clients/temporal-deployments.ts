import { setTimeout as pause } from 'node:timers/promises';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { AppError } from '../contract/errors.ts';
import { asTemporalError } from './temporal.ts';

/** A build of the workers, by name, within their deployment. */
export interface Build {
  deployment_name: string;
  build_id: string;
}

/** Which build of the workers gets the runs (Temporal's worker deployments). */
export interface TemporalDeployments {
  /**
   * Makes a build the current one, if it has never been: then it gets new runs, and takes over open ones. A build that
   * was current before is left as it is, so that a worker that merely starts again undoes no later roll-out and no
   * roll-back. Waits until Temporal has heard of its worker. True when it became current.
   */
  introduce(build: Build): Promise<boolean>;
}

const ATTEMPTS = 150;
const PAUSE_MS = 200;
/** gRPC: not heard of yet; somebody else was changing the deployment. */
const AGAIN: ReadonlySet<number> = new Set([5, 9, 10]);

export function temporalDeployments(client: Client): TemporalDeployments {
  const { namespace } = client.options;

  /** Undefined when it is to be asked again. */
  async function attempt({ deployment_name, build_id }: Build): Promise<boolean | undefined> {
    const { workerDeploymentInfo, conflictToken } = await client.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName: deployment_name,
    });
    const versions = workerDeploymentInfo?.versionSummaries ?? [];
    const ours = versions.find(({ deploymentVersion }) => deploymentVersion?.buildId === build_id);
    if (!ours) return undefined;
    if (ours.firstActivationTime) return false;
    await client.workflowService.setWorkerDeploymentCurrentVersion({
      namespace,
      deploymentName: deployment_name,
      buildId: build_id,
      conflictToken,
    });
    return true;
  }

  return {
    async introduce(build) {
      for (let tried = 0; tried < ATTEMPTS; tried += 1) {
        const done = await attempt(build).catch(undefinedIfAgain);
        if (done !== undefined) return done;
        await pause(PAUSE_MS);
      }
      throw new AppError('temporal_unavailable', {
        cause: new Error(`Temporal has not heard of a worker with the build ${build.build_id}`),
      });
    },
  };
}

function undefinedIfAgain(error: unknown): undefined {
  for (let e = error; e instanceof Error; e = e.cause)
    if (isGrpcServiceError(e) && AGAIN.has(e.code)) return undefined;
  throw asTemporalError(error);
}
