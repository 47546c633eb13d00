import { numberOf } from '../durations.ts';
import { isVerbOf } from '../lexicon.ts';
import type { Candidate, Part } from '../part.ts';
import { unmask } from '../spans.ts';

const APPROVAL =
  /\b(approv(?:e|es|ed|al|als|ing)|sign(?:s|ed)?[ -]?off|green light|go-ahead|confirmation|confirms?|agrees?)\b/i;
const PEOPLE =
  /\b(\d{1,2}|two|three|four|five) (?:people|persons|approvals|approvers|reviewers|of us|managers|admins|owners)\b/i;
const ROLE = /\b(?:role |by an? |from an? )([a-z]{3,40})(?: role)?\b/i;

const MAX_PROMPT = 2_000;

/** Somebody is to say yes. */
export function recogniseApproval(part: Part): Candidate | undefined {
  if (!APPROVAL.test(part.text)) return undefined;
  const people = PEOPLE.exec(part.text)?.[1];
  const role = ROLE.exec(part.text)?.[1]?.toLowerCase();
  return {
    action: 'approval',
    confidence: isVerbOf('approval', part.verb) || !isOtherAction(part) ? 0.9 : 0.5,
    parameters: {
      prompt: unmask(part.text, part.masked).replace(/\s+/g, ' ').trim().slice(0, MAX_PROMPT),
      ...(people === undefined ? {} : { quorum: Math.max(1, numberOf(people)) }),
      ...(role === undefined ? {} : { roles: [role] }),
    },
  };
}

function isOtherAction({ verb }: Part): boolean {
  return (['deployment', 'code_analysis', 'code_review', 'http', 'run'] as const).some((family) =>
    isVerbOf(family, verb),
  );
}
