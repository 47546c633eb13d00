import { DEPLOYER_KINDS } from './deployer.ts';
import type { Json, JsonObject } from './json.ts';

/** How an environment is deployed to; `tag`: what is deployed is a workflow, and `<workflow>/<environment>` is moved. */
export const ENVIRONMENT_DEPLOYERS = [...DEPLOYER_KINDS, 'tag'] as const;
export type EnvironmentDeployer = (typeof ENVIRONMENT_DEPLOYERS)[number];

/** A step of a deployment has half an hour; looking at what is live, before and after, takes ten minutes at most. */
export const MAX_WATCH_SECONDS = 900;

/** For workflows these are there without being set up; everything goes to the first before the second. */
export const USUAL_ENVIRONMENTS = ['staging', 'production'] as const;

export const ENVIRONMENT_NAME = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;

/** What must hold for a release to stay, asked after it went live and again during the watch window. */
export type EnvironmentCheck =
  | { type: 'http'; url: string; expect_status?: number; contains?: string; timeout_seconds?: number }
  /** Run without a shell; exit code 0 means that it is well. */
  | { type: 'command'; argv: string[]; timeout_seconds?: number }
  /** A run of `workflow` must complete; without one, of what is being deployed. */
  | { type: 'workflow'; workflow?: string; input?: Json };

/** Who has to agree before anything goes live; as in an approval node. */
export interface EnvironmentApproval {
  roles?: string[];
  quorum?: number;
  timeout_seconds?: number;
  forbid_self?: boolean;
}

/** Where something is deployed to, as whoever set it up said. */
export interface EnvironmentSetup {
  name: string;
  description: string;
  deployer: EnvironmentDeployer;
  /** In the deployer's form; a text that is `${{ secrets.NAME }}` stands for the secret. */
  settings: JsonObject;
  variables: Record<string, string>;
  /** Names of secrets by the variable that gets their value when something is deployed. */
  secrets: Record<string, string>;
  checks: EnvironmentCheck[];
  /** How long a release is watched after it went live; 0: not at all. */
  watch_seconds: number;
  /** The environment of the same project that everything is deployed to first. */
  staging: string | null;
  approval: EnvironmentApproval | null;
  /** Only for `tag`: whether the tags `<workflow>/<name>` move only through deployments. */
  binds_tags: boolean;
}

export interface Environment extends EnvironmentSetup {
  id: string;
  project_id: string;
  version: number;
  created_by: string;
  created_at: Date;
  updated_at: Date;
}

export const RELEASE_STATES = ['deploying', 'live', 'superseded', 'undone', 'failed'] as const;
export type ReleaseState = (typeof RELEASE_STATES)[number];

export type ReleaseKind = 'application' | 'workflow';

/** Something that was brought to an environment. What is live is told for each subject of an environment. */
export interface ReleaseRecord {
  id: string;
  project_id: string;
  /** The environment's name. */
  environment: string;
  environment_id: string;
  /** The workflow's name where tags are deployed to; '' elsewhere. */
  subject: string;
  /** Counts the releases of a subject; one that was never kept may leave a gap. */
  number: number;
  kind: ReleaseKind;
  /** Of what is deployed: `sha256:<hex>`. */
  digest: string;
  /** The blob of an application's artifact. */
  artifact_ref: string | null;
  /** Where it comes from; `artifact_id` names the version of a workflow. */
  source: JsonObject;
  state: ReleaseState;
  /** The deployment's run. */
  run_id: string;
  /** What was live when this one began. */
  previous_id: string | null;
  /** Why it was taken back. */
  reason: string | null;
  /** The blob of what was seen when it was. */
  evidence_ref: string | null;
  created_by: string;
  created_at: Date;
  live_at: Date | null;
  /** When it stopped being live, or failed. */
  ended_at: Date | null;
}

/** Where one release at a time is live, and where one deployment at a time is under way. */
export interface DeploymentPlace {
  environment_id: string;
  /** The workflow's name where tags are deployed to; '' elsewhere. */
  subject: string;
}
