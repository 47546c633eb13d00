import { MAX_WATCH_SECONDS, type ReleaseKind } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import { CODE_LANGUAGES, type CodeLanguage, type SandboxLimits } from '../../../contract/sandbox.ts';

/** A program that builds or tests, in the sandbox, with the files beside it. */
export interface BuildProgram {
  language: CodeLanguage;
  source: string;
  env?: Record<string, string>;
  limits?: SandboxLimits;
}

/** The input of a deployment, as its schema has let it through. */
export interface DeploymentInput {
  kind: ReleaseKind;
  environment: string;
  repository?: string;
  workflow?: string;
  version?: string;
  path?: string;
  build?: BuildProgram;
  test?: BuildProgram;
  deploy_to_staging?: boolean;
  watch_seconds?: number;
  /** Goes back to a release that was live once. */
  release_id?: string;
  force?: boolean;
}

const text = (maxLength: number, description?: string): JsonObject => ({
  type: 'string',
  minLength: 1,
  maxLength,
  ...(description === undefined ? {} : { description }),
});

const program = (description: string): JsonObject => ({
  type: 'object',
  description,
  required: ['language', 'source'],
  additionalProperties: false,
  properties: {
    language: { enum: [...CODE_LANGUAGES] },
    source: text(65_536),
    env: { type: 'object', maxProperties: 100, additionalProperties: { type: 'string', maxLength: 32_768 } },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        ['wall_ms', 'cpu_ms', 'memory_bytes', 'processes', 'disk_bytes', 'artifact_bytes'].map((name) => [
          name,
          { type: 'integer', minimum: 1 },
        ]),
      ),
    },
  },
});

export const DEPLOYMENT_INPUT: JsonObject = {
  type: 'object',
  required: ['kind', 'environment'],
  additionalProperties: false,
  properties: {
    kind: { enum: ['application', 'workflow'] },
    environment: text(64, 'Where it is to be live.'),
    repository: text(
      2_000,
      'Of an application: a path below an allowed directory, an https URL, or the hash of a tar.',
    ),
    workflow: text(300, 'The workflow whose definition is deployed.'),
    version: text(
      300,
      'A branch, tag or commit; of a workflow, any reference to a version. The newest without it.',
    ),
    path: text(1_024, 'The part of the repository that is deployed.'),
    build: program('Makes the artifact: what it leaves in `out/`. Without it the files are the artifact.'),
    test: program('Tests the artifact: exit code 0 means that it may be deployed.'),
    deploy_to_staging: { type: 'boolean', description: 'False goes past the staging environment.' },
    watch_seconds: { type: 'integer', minimum: 0, maximum: MAX_WATCH_SECONDS },
    release_id: text(36, 'An earlier release of the environment, to go back to.'),
    force: { type: 'boolean', description: 'Deploys again what is live already.' },
  },
  oneOf: [
    {
      required: ['repository'],
      properties: { kind: { const: 'application' }, workflow: false, release_id: false },
    },
    {
      required: ['workflow'],
      properties: { kind: { const: 'workflow' }, repository: false, path: false, build: false, test: false },
    },
    {
      required: ['release_id'],
      properties: { kind: { const: 'application' }, repository: false, workflow: false },
    },
  ],
};
