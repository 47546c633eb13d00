import type { ReleaseRecord } from '../../../contract/deployment.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { ReleaseRepository } from '../../../persistence/releases.ts';
import type { StepRepository } from '../../../persistence/steps.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import type { Deployed } from './deploy.ts';
import { isStanding } from './undo.ts';
import type { DeploymentPlan } from './validate.ts';

interface Deps {
  releases: Pick<ReleaseRepository, 'ofRun' | 'noteEvidence' | 'unlock'>;
  steps: Pick<StepRepository, 'values'>;
}

const JSON_TYPE = 'application/json';

/** ConcludeDeployment: what was seen is kept, the environments are given back, and the result is told (contract §7). */
export function concludeDeployment({ releases, steps }: Deps): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const { run_id } = context;
      const plan = config.plan as DeploymentPlan | null;
      const production = config.production as Deployed | null;
      const brought = await releases.ofRun(run_id);
      const evidence_ref = await keepEvidence(brought, context);
      await releases.noteEvidence(run_id, evidence_ref);
      await releases.unlock(run_id);
      const was_live = (plan?.live ?? null) !== null;
      const already_live = was_live || production?.changed === false;
      const released = config.well === true || was_live;
      const last = brought.at(-1);
      return {
        released,
        already_live,
        release_id: production?.release_id ?? plan?.live?.release_id ?? last?.id ?? null,
        digest: production?.digest ?? plan?.live?.digest ?? last?.digest ?? null,
        environments: brought.map(({ environment, id, state, number }) => ({
          environment,
          release_id: id,
          number,
          state,
        })),
        rolled_back: brought.length > 0 && !released && brought.every((release) => !isStanding(release)),
        evidence_ref,
        summary: summaryOf(plan, { released, already_live }),
      };
    });

  /** The rows of the steps are the evidence: what each saw, and why one failed. */
  async function keepEvidence(brought: ReleaseRecord[], context: NodeContext): Promise<string> {
    const { run_id } = context;
    const rows = await steps.values(run_id, 'all');
    const seen = rows.map(({ node, state, output, output_ref, error }): JsonObject => ({
      step: node,
      state,
      output: output ?? null,
      output_ref,
      error: error as Json,
    }));
    const document = { run_id, releases: brought, steps: seen };
    return context.keep(Buffer.from(JSON.stringify(document)), JSON_TYPE);
  }
}

function summaryOf(
  plan: DeploymentPlan | null,
  { released, already_live }: { released: boolean; already_live: boolean },
): string {
  if (!plan) return 'Nothing was deployed.';
  if (!released) return `${plan.title} was not released to ${plan.target}.`;
  return already_live
    ? `${plan.title} is live in ${plan.target} already: nothing was done.`
    : `${plan.title} is live in ${plan.target}.`;
}
