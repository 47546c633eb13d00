import { AppError } from '../contract/errors.ts';
import { INTENT_LIMITS, type IntentAnalysis, type IntentRequest } from '../contract/intent.ts';
import { workflowIndex } from './catalogue.ts';
import { splitClauses } from './clauses.ts';
import type { Draft } from './draft.ts';
import { entitiesOf } from './entities.ts';
import { explain } from './explain.ts';
import { createReader, TOO_MANY } from './reader.ts';
import { readRequest, type Guard } from './requests.ts';
import { risksOf } from './risks.ts';
import { takeSchedule, type Scheduled } from './schedules.ts';
import { requestsOf } from './sentences.ts';
import { maskSpans, type Masked } from './spans.ts';

/** Numbered and dashed lines are sentences of their own. */
const BULLET = /(^|\n)[ \t]{0,8}(?:[-*•]|\d{1,3}[.)])[ \t]{1,8}/g;
const MAX_SCHEDULES = 20;
/** Where something was asked back, nothing is certain. */
const UNSURE = 0.5;
const LOST = 0.1;

/**
 * What somebody asks for, by rules alone: the same text, catalogue and context always give the same answer. What is not understood
 * or missing becomes a question, never a guess. Throws `validation_failed` for a text beyond the limits.
 */
export function analyseIntent(request: IntentRequest): IntentAnalysis {
  checkLimits(request);
  const whole = maskSpans(request.intent);
  const scheduled = takeSchedule(
    whole.text.replace(BULLET, (_all, start: string) => (start === '' ? '' : ' ; ')),
  );
  const masked = { ...whole, text: scheduled.rest };
  const draft = readAll(request, masked);
  for (const unclear of scheduled.unclear) {
    draft.questions.push({ about: 'when', question: `How often is “${unclear.trim()}”?` });
  }
  if (scheduled.schedules.length > MAX_SCHEDULES) {
    draft.questions.push({
      about: 'when',
      question: 'How often is it to be done? These are too many times.',
    });
  }
  return analysisOf(request, { draft, whole, scheduled });
}

function checkLimits({ intent, catalogue, context }: IntentRequest): void {
  const { chars, workflows, context_bytes } = INTENT_LIMITS;
  const errors = [
    ...(intent.length > chars ? [{ path: '/intent', message: `must have at most ${chars} characters` }] : []),
    ...(catalogue.workflows.length > workflows
      ? [{ path: '/catalogue/workflows', message: `must have at most ${workflows} items` }]
      : []),
    ...(context && JSON.stringify(context).length > context_bytes
      ? [{ path: '/context', message: `must have at most ${context_bytes} bytes` }]
      : []),
  ];
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
}

function readAll(request: IntentRequest, masked: Masked): Draft {
  const index = workflowIndex(request.catalogue);
  const reader = createReader(request, masked, index);
  const requests = requestsOf(splitClauses(masked, index.verbs), masked);
  let guard: Guard = { sentence: -1 };
  for (const each of requests) {
    if (reader.draft.steps.length >= INTENT_LIMITS.steps) {
      reader.ask('what', TOO_MANY);
      break;
    }
    guard = readRequest(reader, each, guard);
  }
  const { steps, questions } = reader.draft;
  if (steps.length === 0 && questions.length === 0) reader.ask('what', 'What is to be done?');
  return reader.draft;
}

interface Read {
  draft: Draft;
  whole: Masked;
  scheduled: Scheduled;
}

function analysisOf({ catalogue }: IntentRequest, { draft, whole, scheduled }: Read): IntentAnalysis {
  const { steps, questions } = draft;
  const risks = risksOf(steps, whole, catalogue);
  const certain = Math.min(1, ...steps.map(({ confidence }) => confidence));
  const asked = questions.length > 0;
  return {
    kind: steps.length > 1 ? 'composite' : (steps[0]?.action ?? 'unknown'),
    confidence: steps.length === 0 ? LOST : asked ? Math.min(certain, UNSURE) : certain,
    entities: entitiesOf(steps, risks),
    parameters: Object.fromEntries(steps.map(({ id, parameters }) => [id, parameters])),
    risks,
    steps,
    schedules: scheduled.schedules,
    needs_clarification: asked,
    questions,
    engine: 'rules',
    explanation: explain(draft, scheduled.schedules),
  };
}
