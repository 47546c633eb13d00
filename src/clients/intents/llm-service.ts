import type { z } from 'zod';
import type { Definition } from '../../contract/definition.ts';
import { AppError, type Problem } from '../../contract/errors.ts';
import type { IntentAnalysis, IntentCatalogue, IntentPlan, IntentService } from '../../contract/intent.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { LanguageModel, ModelMessage } from '../llm/language-model.ts';
import { catalogueProblems } from './catalogue-problems.ts';
import {
  ANALYSE_SYSTEM,
  ANALYSIS_SCHEMA,
  documentOf,
  PLAN_SCHEMA,
  PLAN_SYSTEM,
  repairOf,
} from './llm-prompts.ts';
import { isShallow } from './json-bytes.ts';
import * as schemas from './schemas.ts';

export interface LlmIntentsDeps {
  model: LanguageModel;
  /** Every problem of a definition, empty for a valid one. */
  validate: (definition: Definition) => readonly Problem[];
  max_tokens?: number;
}

const MAX_REPAIRS = 2;

/**
 * Intents understood and planned by a language model. Its answers are checked, and it is told of problems at most twice; what
 * is not valid then rejects with `definition_invalid` (a plan) or `validation_failed` (an analysis), and is never answered.
 */
export function llmIntents({ model, validate, max_tokens = 8_192 }: LlmIntentsDeps): IntentService {
  return {
    analyse(request, { signal }) {
      return asked(model, {
        system: ANALYSE_SYSTEM,
        schema: ANALYSIS_SCHEMA,
        document: documentOf(request),
        max_tokens,
        signal,
        check: (answer) => readAnalysis(answer, model.engine),
        failure: 'validation_failed',
      });
    },
    plan(request, analysis, { signal }) {
      if (analysis.questions.length > 0) return Promise.resolve({ questions: analysis.questions });
      return asked(model, {
        system: PLAN_SYSTEM,
        schema: PLAN_SCHEMA,
        document: documentOf(request, analysis),
        max_tokens,
        signal,
        check: (answer) => readPlan(answer, { validate, catalogue: request.catalogue }),
        failure: 'definition_invalid',
      });
    },
  };
}

type Checked<T> = { value: T } | { problems: readonly Problem[] };

interface Asking<T> {
  system: string;
  schema: JsonObject;
  document: string;
  max_tokens: number;
  signal: AbortSignal;
  check: (answer: Json) => Checked<T>;
  failure: 'validation_failed' | 'definition_invalid';
}

const TOO_DEEP = { problems: [{ path: '', message: 'is nested too deep' }] };

async function asked<T>(model: LanguageModel, { document, check, failure, ...rest }: Asking<T>): Promise<T> {
  const messages: ModelMessage[] = [{ role: 'user', content: document }];
  for (let repairs = 0; ; repairs++) {
    const answer = await model.complete({ ...rest, messages });
    const checked = isShallow(answer) ? check(answer) : TOO_DEEP;
    if ('value' in checked) return checked.value;
    if (repairs === MAX_REPAIRS) {
      const detail = `The language model gave no valid answer, though it was told of its problems ${MAX_REPAIRS} times.`;
      throw new AppError(failure, { detail, errors: checked.problems });
    }
    messages.push({ role: 'assistant', content: checked === TOO_DEEP ? '{}' : JSON.stringify(answer) });
    messages.push({ role: 'user', content: repairOf(checked.problems) });
  }
}

function readAnalysis(answer: Json, engine: LanguageModel['engine']): Checked<IntentAnalysis> {
  const given = objectOf(answer);
  const steps = Array.isArray(given['steps']) ? given['steps'].map(objectOf) : [];
  const questions = given['questions'];
  // What can be told from the rest is not left to the model.
  const whole = {
    ...given,
    kind: steps.length === 1 ? steps[0]!['action'] : steps.length === 0 ? 'unknown' : 'composite',
    parameters: Object.fromEntries(
      steps.flatMap(({ id, parameters }) => (typeof id === 'string' ? [[id, parameters ?? {}]] : [])),
    ),
    schedules: [],
    needs_clarification: Array.isArray(questions) && questions.length > 0,
    engine,
  };
  const read = schemas.analysis.safeParse(whole);
  return read.success ? { value: read.data } : { problems: problemsOf(read.error) };
}

function readPlan(
  answer: Json,
  { validate, catalogue }: Pick<LlmIntentsDeps, 'validate'> & { catalogue: IntentCatalogue },
): Checked<IntentPlan> {
  const { definition, questions } = objectOf(answer);
  if (definition === undefined && Array.isArray(questions) && questions.length > 0) {
    const read = schemas.questions.safeParse(questions);
    return read.success
      ? { value: { questions: read.data } }
      : { problems: problemsOf(read.error, '/questions') };
  }
  const read = schemas.outline.safeParse(definition);
  if (!read.success) return { problems: problemsOf(read.error, '/definition') };
  const problems = [...validate(read.data), ...catalogueProblems(read.data, catalogue)];
  return problems.length > 0 ? { problems } : { value: { definition: read.data } };
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function problemsOf({ issues }: z.ZodError, at = ''): Problem[] {
  return issues.map(({ path, message }) => ({ path: [at, ...path.map(String)].join('/'), message }));
}
