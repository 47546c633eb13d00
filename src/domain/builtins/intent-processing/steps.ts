import type { Definition } from '../../../contract/definition.ts';
import { AppError } from '../../../contract/errors.ts';
import type {
  IntentAnalysis,
  IntentCatalogue,
  IntentRequest,
  IntentService,
} from '../../../contract/intent.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { StepFailure } from '../../step-error.ts';
import { encodeDefinition } from '../../blobs-encode.ts';
import { tolerant } from '../../rules/tolerant-plan.ts';
import type { VersionKeeper } from '../keep-version.ts';

interface Deps {
  intents: () => Promise<IntentService>;
  /** What a plan of the project may be made of. */
  catalogue: (project_id: string) => Promise<IntentCatalogue>;
  keepVersion: VersionKeeper;
}

interface IntentInput {
  intent: string;
  context?: JsonObject;
}

/** The steps of `intent_processing` up to its plan. */
export function intentSteps({
  intents,
  catalogue,
  keepVersion,
}: Deps): Record<'AnalyzeIntent' | 'CreateExecutionPlan', NodeExecutor> {
  async function requestOf(project_id: string, config: JsonObject): Promise<IntentRequest> {
    const { intent, context } = config.input as unknown as IntentInput;
    return { intent, ...(context ? { context } : {}), catalogue: await catalogue(project_id) };
  }

  return {
    AnalyzeIntent: (config, { project_id, signal }) =>
      succeeding(async () => {
        const [service, request] = await Promise.all([intents(), requestOf(project_id, config)]);
        return (await asked(() => service.analyse(request, { signal }))) as unknown as Json;
      }),

    CreateExecutionPlan: (config, { project_id, signal }) =>
      succeeding(async () => {
        const analysis = config.analysis as unknown as IntentAnalysis;
        if (analysis.needs_clarification) return unclear(analysis.questions as unknown as Json[]);
        const [service, request] = await Promise.all([intents(), requestOf(project_id, config)]);
        const plan = await asked(() => service.plan(request, analysis, { signal }));
        if ('questions' in plan) return unclear(plan.questions as unknown as Json[]);
        // Whoever planned it: what is not valid is never carried out.
        const encoded = encodeDefinition(tolerant(plan.definition));
        const plan_artifact_id = await keepVersion(project_id, encoded, 'intent_processing');
        return {
          status: 'planned',
          plan_artifact_id,
          version_hash: encoded.cas_id,
          steps: Object.keys(encoded.document.nodes),
          summary: summaryOf(encoded.document),
          questions: [],
        };
      }),
  };
}

const unclear = (questions: Json[]): JsonObject => ({
  status: 'needs_clarification',
  plan_artifact_id: null,
  version_hash: null,
  steps: [],
  summary: 'There are questions to be answered first.',
  questions,
});

const MAX_LISTED = 20;

function summaryOf({ nodes }: Definition): string {
  const steps = Object.entries(nodes).map(([id, { type }]) => `${id} (${type})`);
  const more = steps.length > MAX_LISTED ? `, and ${steps.length - MAX_LISTED} more` : '';
  return `${steps.length} steps: ${steps.slice(0, MAX_LISTED).join(', ')}${more}.`;
}

/** A service that is away is asked again by the step's own retry; what it cannot do is the step's failure. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof AppError && (error.family === 'unavailable' || error.family === 'rate_limited'))
      throw new StepFailure('intent_service_unavailable', 'The intent service did not answer.', {
        cause: error,
      });
    throw error;
  }
}
