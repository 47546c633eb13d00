import type { Definition, DefinitionNode } from '../../../contract/definition.ts';
import type { EnvironmentApproval, ReleaseKind } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import { builtinNodes } from '../node.ts';
import { DEPLOYMENT_INPUT } from './input.ts';

/** Of every step; read whenever a definition is made. */
export const DEPLOYMENT_TIMES = { timeout_seconds: 1_800, heartbeat_seconds: 300 };

const FINAL_ERRORS = [
  ...['build_failed', 'tests_failed', 'smoke_failed', 'unhealthy', 'approval_mismatch', 'environment_busy'],
  ...[
    'artifact_invalid',
    'release_conflict',
    'deploy_failed',
    'state_conflict',
    'secret_missing',
    'tag_bound',
  ],
];

const builtin: ReturnType<typeof builtinNodes> = (config, more) =>
  builtinNodes({ ...DEPLOYMENT_TIMES, final_errors: FINAL_ERRORS })(config, more);

/** What a deployment's nodes depend on beside its input, known when the run is accepted. */
export interface DeploymentShape {
  kind: ReleaseKind;
  /** What the environment asks for; null where nobody needs to agree. */
  approval: EnvironmentApproval | null;
}

const PLAN = 'steps.ValidateDeployment.output';
const ARTIFACT = `\${{ ${PLAN}.is_rollback ? ${PLAN}.artifact : steps.BuildArtifacts.output }}`;
const VALID = "default(steps.ValidateDeployment.state, 'none') == 'succeeded'";
const WELL = "default(steps.HealthCheck.state, 'none') == 'succeeded'";

/** In the order they are carried out; each goes on only where none before it failed. */
const STAGES = [
  ...['BuildArtifacts', 'RunTests', 'DeployToStaging', 'SmokeRuns', 'RunSmokeTests', 'Approval'],
  ...['DeployToProduction', 'HealthCheck'],
];

/** What whoever approved says that they approved. */
const APPROVED = {
  approved:
    '${{ default(steps.Approval.output.approvals, []).map(a, a.form == null ? null : default(a.form.digest, null)) }}',
};

const IS_NEW = `!${PLAN}.is_rollback`;
const IS_STAGED = `${IS_NEW} && ${PLAN}.staging != null`;

function stage(name: string, node: DefinitionNode, condition = 'true'): [string, DefinitionNode] {
  const before = STAGES.slice(0, STAGES.indexOf(name));
  const undisturbed = before.map(
    (earlier) => `!(default(steps.${earlier}.state, 'none') in ['failed', 'cancelled'])`,
  );
  const guard = ['always()', VALID, `${PLAN}.live == null`, condition, ...undisturbed].join(' && ');
  return [name, { ...node, needs: [before.at(-1) ?? 'ValidateDeployment'], if: `\${{ ${guard} }}` }];
}

const place = (of: 'staging' | 'target') => ({
  environment: `\${{ ${PLAN}.${of} }}`,
  subject: `\${{ ${PLAN}.subject }}`,
});

/**
 * Brings an application or a workflow's definition to an environment, over its staging when it has one, and undoes all of it
 * when something on the way fails (contract §7).
 */
export function deploymentDefinition({ kind, approval }: DeploymentShape): Definition {
  // Programs run on an agent, whichever is free; a definition needs none.
  const queue = kind === 'application' ? { queue: '${{ null }}' } : {};
  const force = '${{ default(input.force, false) }}';
  const deploy = (of: 'staging' | 'target', more: JsonObject = {}) =>
    builtin({ ...place(of), artifact: ARTIFACT, force, ...more });
  return {
    schema_version: 1,
    name: 'deployment',
    description:
      'Brings an application or a definition to an environment, and undoes it when it does not work there.',
    input_schema: DEPLOYMENT_INPUT,
    nodes: {
      ValidateDeployment: builtin({ input: '${{ input }}' }),
      ...Object.fromEntries([
        stage('BuildArtifacts', builtin({ input: '${{ input }}', plan: `\${{ ${PLAN} }}` }, queue), IS_NEW),
        stage('RunTests', builtin({ artifact: '${{ steps.BuildArtifacts.output }}' }, queue), IS_NEW),
        stage('DeployToStaging', deploy('staging'), IS_STAGED),
        stage('SmokeRuns', smokeRuns(), IS_STAGED),
        stage('RunSmokeTests', smokeTests(), IS_STAGED),
        stage('Approval', approvalNode(approval), approval ? IS_NEW : 'false'),
        stage('DeployToProduction', deploy('target', APPROVED)),
        stage('HealthCheck', healthCheck()),
      ]),
      UndoDeployment: {
        ...builtin({}, { finally: true }),
        needs: ['HealthCheck'],
        if: `\${{ always() && ${VALID} && ${PLAN}.live == null && !(${WELL}) }}`,
        continue_on_error: true,
      },
      ConcludeDeployment: {
        ...builtin(conclusion(), { finally: true }),
        needs: ['UndoDeployment'],
        if: '${{ always() }}',
      },
    },
    output: '${{ steps.ConcludeDeployment.output }}',
    output_always: true,
  };
}

/** The definitions that must work with what is staged, each as a run of its own. */
const smokeRuns = (): DefinitionNode => ({
  type: 'map',
  config: {
    items: '${{ steps.DeployToStaging.output.smoke_runs }}',
    node: { type: 'run', config: { workflow: '${{ item.workflow }}', input: '${{ item.input }}' } },
    max_parallel: 5,
    on_item_error: 'continue',
  },
});

const smokeTests = () =>
  builtin({
    ...place('staging'),
    release: '${{ steps.DeployToStaging.output }}',
    runs: '${{ default(steps.SmokeRuns.output, []) }}',
  });

const healthCheck = () =>
  builtin({
    ...place('target'),
    release: '${{ steps.DeployToProduction.output }}',
    watch_seconds: `\${{ ${PLAN}.watch_seconds }}`,
  });

/** Bound to the digest: it names it, and whoever approves may say which one is meant. */
function approvalNode(approval: EnvironmentApproval | null): DefinitionNode {
  return {
    type: 'approval',
    config: {
      prompt: `Deploy \${{ ${PLAN}.title }} (\${{ steps.BuildArtifacts.output.digest }}) to \${{ ${PLAN}.target }}?`,
      form: {
        type: 'object',
        additionalProperties: false,
        properties: { digest: { type: 'string', description: 'Of what is approved.' } },
      },
      ...approval,
    },
  };
}

const conclusion = (): JsonObject => ({
  well: `\${{ ${WELL} }}`,
  plan: '${{ default(steps.ValidateDeployment.output, null) }}',
  production: '${{ default(steps.DeployToProduction.output, null) }}',
});
