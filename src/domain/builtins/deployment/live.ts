import type { Environment, ReleaseRecord } from '../../../contract/deployment.ts';
import type { ReleaseRepository } from '../../../persistence/releases.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { configurationOf } from './configuration.ts';
import type { PlaceOf } from './place.ts';

interface Deps {
  releases: Pick<ReleaseRepository, 'current'>;
  placeOf: PlaceOf;
}

interface Question {
  environment: Environment;
  subject: string;
  context: NodeContext;
  /** Whether a release is what is wanted. */
  is: (release: ReleaseRecord) => boolean;
}

/** The release that is live, when it is what is wanted, set up as it is to be, and really there. */
export function liveReleases({ releases, placeOf }: Deps) {
  return async ({ environment, subject, context, is }: Question): Promise<ReleaseRecord | undefined> => {
    const release = await releases.current(environment.id, subject);
    if (!release || !is(release)) return undefined;
    if (release.source.configuration !== configurationOf(environment)) return undefined;
    return (await placeOf(environment).isLive({ environment, release, context })) ? release : undefined;
  };
}

export type LiveReleases = ReturnType<typeof liveReleases>;
