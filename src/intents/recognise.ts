import type { IntentQuestion } from '../contract/intent.ts';
import { recogniseAgent } from './actions/agent.ts';
import { recogniseApproval } from './actions/approval.ts';
import { recogniseCodeAnalysis } from './actions/code-analysis.ts';
import { recogniseCodeExecution } from './actions/code-execution.ts';
import { recogniseCodeReview } from './actions/code-review.ts';
import { recogniseDeployment } from './actions/deployment.ts';
import { recogniseHttp } from './actions/http.ts';
import { recogniseRun } from './actions/run.ts';
import { recogniseTransform } from './actions/transform.ts';
import { recogniseWait } from './actions/wait.ts';
import type { Candidate, Part, Recogniser } from './part.ts';
import { unmask } from './spans.ts';

const RECOGNISERS: readonly Recogniser[] = [
  recogniseHttp,
  recogniseCodeExecution,
  recogniseCodeAnalysis,
  recogniseCodeReview,
  recogniseDeployment,
  recogniseAgent,
  recogniseApproval,
  recogniseWait,
  recogniseTransform,
  recogniseRun,
];

/** Below this a reading is no reading. */
const ENOUGH = 0.5;
/** Two readings so near to each other are equally near to what was meant. */
const NEAR = 0.1;

/**
 * The best reading of a clause; with a question instead of a choice where two different ones are equally near, and undefined
 * where there is none.
 */
export function recognise(part: Part): Candidate | undefined {
  const found = RECOGNISERS.flatMap((each) => each(part) ?? []).sort((a, b) => b.confidence - a.confidence);
  const [best, second] = found;
  if (!best || best.confidence < ENOUGH) return undefined;
  if (!second || second.action === best.action || best.confidence - second.confidence >= NEAR) return best;
  return { ...best, confidence: ENOUGH, asks: [eitherOr(part, best, second)] };
}

const NAMES: Readonly<Record<Candidate['action'], string>> = {
  http: 'an HTTP request',
  wait: 'a pause',
  approval: 'an approval',
  agent: 'a task for an agent',
  run: 'a run of a workflow',
  transform: 'putting results together',
  code_execution: 'an execution of code',
  code_analysis: 'an analysis of code',
  code_review: 'a code review',
  deployment: 'a deployment',
};

export function nameOf(action: Candidate['action']): string {
  return NAMES[action];
}

function eitherOr(part: Part, a: Candidate, b: Candidate): Omit<IntentQuestion, 'step'> {
  const text = unmask(part.text, part.masked).trim();
  return { about: 'which', question: `Is “${text}” to be ${NAMES[a.action]}, or ${NAMES[b.action]}?` };
}
