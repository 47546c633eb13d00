import type { JsonObject } from '../../contract/json.ts';
import type { WorkflowMatch } from '../catalogue.ts';
import { isVerbOf, VAGUE } from '../lexicon.ts';
import { numbersNamed } from '../numbers.ts';
import { spansOfPart, type Candidate, type Part } from '../part.ts';
import { spansIn, unmask } from '../spans.ts';
import { stem, termsOf } from '../stem.ts';

/** Less than what any other reading has. */
const DESCRIBED = 0.65;

const MAX_THINGS = 20;

/** A run of one of the project's workflows. */
export function recogniseRun(part: Part): Candidate | undefined {
  const asked = isVerbOf('run', part.verb);
  const text = unmask(part.text.replace(/\uE000(?:url|json|code)\d+\uE001/g, ' '), part.masked);
  const match = VAGUE.test(part.text) ? { kind: 'none' as const } : part.index.find(text);
  if (asked)
    return spansIn(part.text, part.masked).some(({ kind }) => kind === 'code')
      ? undefined
      : asRun(part, match, text);
  // Another verb names a workflow only where the workflow's own name or description has it.
  if (match.kind !== 'one') return undefined;
  const verb = stem(part.verb);
  if (termsOf(match.name).includes(verb)) return asRun(part, match, text);
  const described = match.terms.includes(verb) && match.shared >= 2;
  return described ? { ...asRun(part, match, text), confidence: DESCRIBED } : undefined;
}

/** `after the import of orders`: a run that is named as a thing. */
export function recogniseNamedRun(part: Part): Candidate | undefined {
  const text = unmask(part.text, part.masked);
  const match = part.index.find(text);
  return match.kind === 'one' ? asRun(part, match, text) : undefined;
}

function asRun(part: Part, match: WorkflowMatch, text: string): Candidate {
  if (match.kind !== 'one') {
    const choices = match.kind === 'several' ? ` It could be ${match.names.join(' or ')}.` : '';
    const question = `Which workflow is meant by “${text.trim()}”?${choices}`;
    return { action: 'run', confidence: 0.6, parameters: {}, asks: [{ about: 'which', question }] };
  }
  const noun = part.each?.noun ?? 'item';
  const others = othersIn(part, match.name, text);
  return {
    action: 'run',
    confidence: match.confidence,
    parameters: { workflow: match.name, input: inputOf(part) },
    into: ['input', noun],
    more: others.map((workflow) => ({ workflow, input: {} })),
    takes_result:
      part.said.has_result &&
      /\bwith (the |its )?(results?|answers?|responses?|outputs?|it)\b/i.test(part.text),
  };
}

/** `run the report and the import`: what one verb asks for together is done side by side. */
function othersIn(part: Part, first: string, text: string): string[] {
  const things = text.split(/,| and /i);
  if (things.length < 2 || things.length > MAX_THINGS || !isVerbOf('run', part.verb)) return [];
  const names = things
    .map((thing) => part.index.find(thing))
    .map((match) => (match.kind === 'one' ? match.name : ''));
  return [...new Set(names)].filter((name) => name !== '' && name !== first);
}

function inputOf(part: Part): JsonObject {
  const [json] = spansOfPart(part, 'json');
  if (json && typeof json.value === 'object' && json.value !== null && !Array.isArray(json.value))
    return json.value;
  const pairs = [
    ...part.text.matchAll(/(?<![\p{L}\p{N}])([\p{L}_][\p{L}\p{N}_]{0,60})\s?=\s?([^\s,;\uE000]{1,200})/gu),
  ];
  return {
    ...numbersNamed(part.text),
    ...Object.fromEntries(pairs.map(([, name, value]) => [name!, value!])),
  };
}
