import {
  INTENT_LIMITS,
  type IntentCatalogue,
  type IntentRequest,
  type IntentStep,
  type QuestionSubject,
} from '../contract/intent.ts';
import type { JsonObject } from '../contract/json.ts';
import { isRepository } from './actions/repository.ts';
import { isAvailable } from './available.ts';
import type { WorkflowIndex } from './catalogue.ts';
import { emptyDraft, type Draft, type LooseStep } from './draft.ts';
import { ARTICLES } from './lexicon.ts';
import { takeInlineEach, type Each } from './lists.ts';
import { takeModifiers } from './modifiers.ts';
import { partOf, type Candidate, type Part, type Said } from './part.ts';
import { nameOf, recognise } from './recognise.ts';
import { words } from './sentences.ts';
import { spansIn, type Masked } from './spans.ts';
import { stepNames } from './step-ids.ts';
import { tokenise } from './tokens.ts';

/** Reads one clause after the other into a draft. */
export interface Reader {
  draft: Draft;
  masked: Masked;
  /** The steps that a clause asks for, questions noted; undefined when nothing is recognised in it. */
  read(
    text: string,
    options?: { each?: Each; also?: (part: Part) => Candidate | undefined },
  ): LooseStep[] | undefined;
  ask: (about: QuestionSubject, question: string, step?: string) => void;
}

/** Doing something again on purpose; trying again is a modifier, and taken out by then. */
const REPEATED =
  /\b(?:twice|thrice|(?:\d{1,5}|two|three|four|five|six|seven|eight|nine|ten|several|many|a few) times)\b/i;
/** What is not to be done is no step, and changes what the rest means. */
const NEGATED =
  /\b(?:don['’]?t|do not|never|must not|mustn['’]?t|should not|shouldn['’]?t|except|instead of)\b/i;
export const TOO_MANY = `This asks for more than ${INTENT_LIMITS.steps} steps: which of them belong together?`;

export function createReader(request: IntentRequest, masked: Masked, index: WorkflowIndex): Reader {
  const draft = emptyDraft();
  const named: JsonObject = {};
  const name = stepNames();
  let last_verb: string | undefined;
  const said = saidBy({ request, masked, named, draft });
  const ask: Reader['ask'] = (about, question, step) =>
    draft.questions.push({ about, question, ...(step ? { step } : {}) });

  return {
    draft,
    masked,
    ask,
    read(text, { each: outer, also } = {}) {
      const { rest: plain, modifiers } = takeModifiers(text);
      const inline = outer ? { rest: plain, each: outer } : takeInlineEach(plain, masked);
      const part = partOf(inline.rest, { masked, each: inline.each, said, index });
      const found = recognise(part) ?? also?.(part) ?? elliptic(part, last_verb);
      if (!found) return undefined;
      last_verb = part.verb === '' ? last_verb : part.verb;
      Object.assign(named, found.parameters);
      const all = [found.parameters, ...(found.more ?? [])].slice(0, INTENT_LIMITS.steps);
      if ((found.more?.length ?? 0) >= all.length) ask('what', TOO_MANY);
      const loose = all.map((parameters): LooseStep => {
        const { action, confidence } = found;
        const step: IntentStep = {
          id: name(action, parameters),
          action,
          text: words(text, masked),
          confidence,
          needs: [],
          uses: [],
          parameters,
          ...modifiers,
        };
        return {
          step: withEach(step, found, { each: inline.each, ask }),
          takes: found.takes_result === true,
        };
      });
      const [first] = loose;
      if (NEGATED.test(inline.rest))
        ask('what', `“${first!.step.text}”: what is to be done, and what not?`, first!.step.id);
      if (REPEATED.test(inline.rest))
        ask(
          'what',
          `“${first!.step.text}”: what is to be different from one time to the next?`,
          first!.step.id,
        );
      for (const { about, question } of found.asks ?? []) ask(about, question, first?.step.id);
      askIfMissing(request.catalogue, first!.step, ask);
      return loose;
    },
  };
}

/** `the import of orders` behind `run the nightly report and`. */
function elliptic(part: Part, verb: string | undefined): Candidate | undefined {
  const [first] = tokenise(part.text);
  if (verb === undefined || first === undefined || !(ARTICLES.has(first.lower) || first.kind === 'span'))
    return undefined;
  return recognise(partOf(`${verb} ${part.text}`, part));
}

function withEach(
  step: IntentStep,
  { into }: Candidate,
  { each, ask }: { each?: Each; ask: Reader['ask'] },
): IntentStep {
  if (!each) return step;
  if (!into) ask('what', `What is to be different in “${step.text}” from one to the next?`, step.id);
  if ((each.items?.length ?? 0) > INTENT_LIMITS.items) {
    ask('which', `These are more than ${INTENT_LIMITS.items} elements: which are meant?`, step.id);
    return step;
  }
  return into ? { ...step, for_each: { into, ...(each.items ? { items: each.items } : {}) } } : step;
}

function askIfMissing(
  catalogue: IntentCatalogue,
  { id, action, for_each }: IntentStep,
  ask: Reader['ask'],
): void {
  if (isAvailable(catalogue, action) && (!for_each || catalogue.node_types.includes('map'))) return;
  ask(
    'what',
    `There is no way here to do ${for_each ? 'something for each of a list' : nameOf(action)}: what is to be done instead?`,
    id,
  );
}

interface Known {
  request: IntentRequest;
  masked: Masked;
  named: JsonObject;
  draft: Draft;
}

function saidBy({ request, masked, named, draft }: Known): Said {
  const given = (name: string) => {
    const { context = {} } = request;
    return Object.hasOwn(context, name) ? context[name] : undefined;
  };
  // What is only named later: "before deploying it, analyse <address>".
  const repositories = new Set(
    spansIn(masked.text, masked).flatMap((span) =>
      span.kind === 'url' && isRepository(span.text) ? [span.text] : [],
    ),
  );
  return {
    given,
    get: (name) =>
      Object.hasOwn(named, name)
        ? named[name]
        : name === 'repository' && repositories.size === 1
          ? [...repositories][0]
          : given(name),
    get has_result() {
      return draft.front.length > 0;
    },
  };
}
