import { spansOfPart, type Candidate, type Part } from '../part.ts';
import { unmask } from '../spans.ts';

const AGENT = /\bagents?\b/i;
const CAPABILITY =
  /\b(?:capability|capable of|capabilities) (?:of |to |called |named )?(?:\uE000quoted(\d+)\uE001|([\p{L}][\p{L}\p{N}_-]{0,100}))/iu;
const KIND = /\b(?:an?|the) ([\p{L}][\p{L}\p{N}_-]{1,60}) agent\b/iu;

/** A task for somebody outside: an agent that has a capability. */
export function recogniseAgent(part: Part): Candidate | undefined {
  if (!AGENT.test(part.text)) return undefined;
  const capability = capabilityOf(part);
  const texts = spansOfPart(part, 'quoted')
    .map((span) => span.text)
    .filter((text) => text !== capability);
  const instruction = unmask(part.text, part.masked).replace(/\s+/g, ' ').trim();
  return {
    action: 'agent',
    confidence: 0.95,
    parameters: {
      ...(capability === undefined ? {} : { capability }),
      task: { instruction, ...(texts.length === 0 ? {} : { texts }) },
    },
    takes_result:
      part.said.has_result && /\b(results?|answers?|responses?|outputs?|it|them)\b/i.test(part.text),
    into: ['task', 'item'],
    asks:
      capability === undefined ? [{ about: 'which', question: 'Which capability must the agent have?' }] : [],
  };
}

function capabilityOf({ text, masked }: Part): string | undefined {
  const [, span, word] = CAPABILITY.exec(text) ?? [];
  if (span !== undefined) return masked.spans[Number(span)]?.text.slice(0, 200);
  return word ?? KIND.exec(text)?.[1]?.toLowerCase();
}
