import { z } from 'zod';
import {
  ENVIRONMENT_DEPLOYERS,
  ENVIRONMENT_NAME,
  MAX_WATCH_SECONDS,
  RELEASE_STATES,
} from '../../contract/deployment.ts';
import { ROLES } from '../../contract/roles.ts';
import { anyJson, contentHash, instant, jsonObject, pageQuery, uuid } from './conventions.ts';

const name = z.string().regex(ENVIRONMENT_NAME, 'has 1–64 lower case letters, digits and dashes');
const ref = z.string().min(1).max(300);
const MAX_VARIABLES = 200;

export const projectParams = z.strictObject({ id: uuid });
/** What is no name is the name of nothing. */
export const environmentParams = z.strictObject({ id: uuid, name: z.string() });
export const newEnvironmentParams = z.strictObject({ id: uuid, name });
export const releaseParams = z.strictObject({ id: uuid, name: z.string(), release_id: uuid });

export const listEnvironmentsQuery = z.strictObject(pageQuery);
export const listReleasesQuery = z.strictObject({
  ...pageQuery,
  subject: z.string().max(200).optional().meta({ description: 'Only of this workflow.' }),
});

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a name as variables of a process have');

const few = (values: Record<string, string>): boolean => Object.keys(values).length <= MAX_VARIABLES;
const FEW = `at most ${MAX_VARIABLES}`;

const variables = z.record(variableName, z.string().max(32_768)).refine(few, FEW);
const secrets = z.record(variableName, z.string().min(1).max(200)).refine(few, FEW);

const seconds = (max: number) => z.int().min(1).max(max).optional();
const httpCheck = z.strictObject({
  type: z.literal('http'),
  url: z.url({ protocol: /^https?$/ }).max(2_048),
  expect_status: z.int().min(100).max(599).optional().meta({ description: '200 when left out.' }),
  contains: z.string().min(1).max(1_000).optional().meta({ description: 'Text that the answer holds.' }),
  timeout_seconds: seconds(60).meta({ description: '10 when left out.' }),
});
const commandCheck = z.strictObject({
  type: z.literal('command'),
  argv: z.array(z.string().max(4_096)).min(1).max(100).meta({ description: 'Run without a shell.' }),
  timeout_seconds: seconds(600).meta({ description: '60 when left out.' }),
});
const workflowCheck = z.strictObject({
  type: z.literal('workflow'),
  workflow: ref
    .optional()
    .meta({ description: 'A run of it must complete; what is being deployed when left out.' }),
  input: anyJson.optional(),
});
const checks = z
  .array(z.discriminatedUnion('type', [httpCheck, commandCheck, workflowCheck]))
  .max(20)
  .meta({ description: 'What must hold for a release to stay.' });

const approval = z
  .strictObject({
    roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length).optional(),
    quorum: z.int().min(1).max(100).optional(),
    timeout_seconds: z
      .int()
      .min(1)
      .max(31 * 86_400)
      .optional(),
    forbid_self: z.boolean().optional(),
  })
  .meta({ description: 'Who has to agree before anything goes live.' });

const setup = {
  description: z.string().max(1_000),
  deployer: z.enum(ENVIRONMENT_DEPLOYERS).meta({ description: '`tag` is for workflows.' }),
  settings: jsonObject.meta({
    description: 'In the form of the deployer; a text `${{ secrets.NAME }}` stands for that secret.',
  }),
  variables,
  secrets: secrets.meta({ description: 'Names of secrets by the variable that gets their value.' }),
  checks,
  watch_seconds: z
    .int()
    .min(0)
    .max(MAX_WATCH_SECONDS)
    .meta({ description: '0: no watch after a deployment.' }),
  staging: name.nullable().meta({ description: 'The environment that everything is deployed to first.' }),
  approval: approval.nullable(),
  binds_tags: z.boolean().meta({
    description: 'Only of `tag`: whether the tags `<workflow>/<name>` move only through deployments.',
  }),
};

/** Every field but the deployer may be left out. */
export const environmentBody = z
  .strictObject({
    ...setup,
    description: setup.description.default(''),
    settings: setup.settings.default({}),
    variables: setup.variables.default({}),
    secrets: setup.secrets.default({}),
    checks: setup.checks.default([]),
    watch_seconds: setup.watch_seconds.default(0),
    staging: setup.staging.default(null),
    approval: setup.approval.default(null),
    binds_tags: setup.binds_tags.optional(),
  })
  .superRefine(({ deployer, binds_tags }, ctx) => {
    if (binds_tags && deployer !== 'tag')
      ctx.addIssue({ code: 'custom', path: ['binds_tags'], message: 'is for the deployer tag' });
  });

export const environmentView = z
  .object({
    id: z.string(),
    project_id: z.string(),
    name: z.string(),
    ...setup,
    version: z.int(),
    created_by: z.string(),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Environment' });

export const releaseView = z
  .object({
    id: z.string(),
    project_id: z.string(),
    environment: z.string(),
    subject: z.string().meta({ description: 'The workflow that was deployed; empty for applications.' }),
    number: z.int(),
    kind: z.enum(['application', 'workflow']),
    digest: z.string(),
    artifact_ref: contentHash.nullable(),
    source: jsonObject,
    state: z.enum(RELEASE_STATES),
    run_id: z.string().meta({ description: 'The deployment.' }),
    previous_id: z.string().nullable().meta({ description: 'What was live when it began.' }),
    reason: z.string().nullable(),
    evidence_ref: contentHash.nullable().meta({ description: 'The blob of what was seen.' }),
    created_by: z.string(),
    created_at: instant,
    live_at: instant.nullable(),
    ended_at: instant.nullable(),
  })
  .meta({ id: 'Release' });

export const rollbackBody = z.strictObject({
  release_id: uuid.optional().meta({ description: 'What was live before the current one when left out.' }),
  workflow: z.string().min(1).max(200).optional().meta({ description: 'Whose release, for workflows.' }),
  reason: z.string().max(200).optional().meta({ description: 'A label of the run.' }),
});

export const deployBody = z.strictObject({
  environment: name,
  deploy_to_staging: z.boolean().optional().meta({ description: 'False goes past the staging environment.' }),
  watch_seconds: z.int().min(0).max(MAX_WATCH_SECONDS).optional(),
});

export const versionHeader = {
  ETag: 'The version of the environment, in quotes; send it back as `If-Match`.',
};
