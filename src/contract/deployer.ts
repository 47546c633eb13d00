import type { Json } from './json.ts';

export const DEPLOYER_KINDS = [
  'release_directory',
  'command',
  'docker_compose',
  'kubernetes',
  'webhook',
] as const;
export type DeployerKind = (typeof DEPLOYER_KINDS)[number];

/** Where something is deployed to: what a deployer needs to know of an environment. */
export interface DeployEnvironment {
  /** `[a-z0-9-]`, unique among the environments of one deployer. */
  name: string;
  /** Of the deployer's kind; see there. */
  settings: Readonly<Record<string, Json>>;
  /** Given to what is deployed; secrets are resolved. */
  variables: Readonly<Record<string, string>>;
}

export interface Release {
  release_id: string;
  /** Of the artifact: `sha256:<hex>`. */
  digest: string;
  /** When it last went live; null before that. */
  deployed_at: string | null;
}

export interface DeployCall {
  environment: DeployEnvironment;
  signal?: AbortSignal;
  /** Lines about what happens, for people. Never holds a variable. */
  log?: (line: string) => void;
}

export interface DeployRequest extends DeployCall {
  /** `[A-Za-z0-9._-]`, at most 100 characters. The same id is always the same artifact. */
  release_id: string;
  digest: string;
  /** A directory; it is read, and not needed after the call. */
  artifact: string;
}

export interface RollbackRequest extends DeployCall {
  /** A release of the history. */
  to: string;
}

export interface DeployOutcome {
  /** False when what was asked for is live already, and nothing was done. */
  changed: boolean;
  previous: Release | null;
  current: Release;
  /** What was seen: addresses, answers, the last lines of logs. */
  evidence: Readonly<Record<string, Json>>;
}

export interface DeployStatus {
  current: Release | null;
  /** Whether it runs and answers; null when the deployer cannot tell. */
  healthy: boolean | null;
  detail: string;
}

/**
 * Brings releases to one kind of place. Everything may be repeated: after a crash the same call goes on where it stopped.
 * Two calls for one environment at a time are the caller's to prevent. All throw `DeployFailure`, the reason of `signal`,
 * and `AppError('validation_failed')` for bad settings.
 */
export interface Deployer {
  kind: DeployerKind;
  /** Makes a release live. When it does not come up, what was live before is live again, and the failure says so. */
  deploy(request: DeployRequest): Promise<DeployOutcome>;
  rollback(request: RollbackRequest): Promise<DeployOutcome>;
  /** Nothing is live any more, as before the very first release; answers what was. */
  withdraw(call: DeployCall): Promise<Release | null>;
  status(call: DeployCall): Promise<DeployStatus>;
  /** The releases that can be rolled back to, the latest first. */
  releases(call: DeployCall): Promise<Release[]>;
}

export type DeployFailureCode =
  | 'artifact_invalid'
  | 'release_unknown'
  | 'release_conflict' // the id stands for another artifact
  | 'deploy_failed'
  | 'unhealthy'
  | 'timeout'
  | 'unreachable';

/** Why a release is not live. The message and the evidence hold no variable and no credential. */
export class DeployFailure extends Error {
  override readonly name = 'DeployFailure';
  readonly code: DeployFailureCode;
  readonly evidence: Readonly<Record<string, Json>>;

  constructor(
    code: DeployFailureCode,
    message: string,
    options: { evidence?: Readonly<Record<string, Json>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.evidence = options.evidence ?? {};
  }
}
