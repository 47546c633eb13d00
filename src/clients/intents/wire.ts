import type { IntentCatalogue, IntentPlan, IntentQuestion, IntentRequest } from '../../contract/intent.ts';
import { fromBytes, toBytes } from './json-bytes.ts';
import type { WirePlan, WireRequest } from './proto-file.ts';

/** A request as a message; context that is empty is none. */
export function writeRequest({ intent, context, catalogue }: IntentRequest): WireRequest {
  return {
    intent,
    context_json: context ? toBytes(context) : new Uint8Array(),
    catalogue: {
      ...catalogue,
      workflows: catalogue.workflows.map(({ name, description = '', examples = [] }) => ({
        name,
        description,
        examples,
      })),
    },
  };
}

/** What a message says, not yet checked. */
export function readRequest({ intent, context_json, catalogue }: WireRequest): unknown {
  const context = context_json.length === 0 ? undefined : (fromBytes(context_json) ?? 'no JSON');
  return { intent, ...(context === undefined ? {} : { context }), catalogue: catalogue ?? emptyCatalogue() };
}

function emptyCatalogue(): IntentCatalogue {
  return { workflows: [], types: [], node_types: [] };
}

export function writePlan(plan: IntentPlan): WirePlan {
  if ('definition' in plan) return { definition_json: toBytes(plan.definition) };
  return { questions: { questions: plan.questions.map((each) => ({ step: '', ...each })) } };
}

/** What a message says, not yet checked; undefined for neither a definition nor questions. */
export function readPlan({
  plan,
  definition_json,
  questions,
}: WirePlan): { definition: unknown } | { questions: unknown } | undefined {
  if (plan === 'definition_json' && definition_json) return { definition: fromBytes(definition_json) };
  if (plan !== 'questions' || !questions) return undefined;
  return { questions: questions.questions.map(withoutEmptyStep) };
}

function withoutEmptyStep({
  step,
  ...rest
}: {
  about: string;
  question: string;
  step: string;
}): Omit<IntentQuestion, 'about'> {
  return step === '' ? rest : { ...rest, step };
}
