import type { Environment, ReleaseRecord } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { NodeContext } from '../../nodes/node.ts';

/** A release, and where it is brought to. */
export interface Bringing {
  environment: Environment;
  release: ReleaseRecord;
  context: NodeContext;
}

/** What an environment does with releases, whatever kind it is. Everything may be repeated. */
export interface Place {
  /** Whether the release is what is really there, and is well as far as can be told. */
  isLive(bringing: Bringing): Promise<boolean>;
  /** Makes the release live; answers what was seen. */
  bring(bringing: Bringing): Promise<JsonObject>;
  /** `previous` is live again, or nothing when there was none; answers what was done. */
  takeBack(bringing: Bringing, previous: ReleaseRecord | undefined): Promise<JsonObject>;
}

export type PlaceOf = (environment: Environment) => Place;
