import type { StepCondition } from '../contract/intent.ts';
import { recogniseNamedRun } from './actions/run.ts';
import { recogniseWaitedFor } from './actions/wait.ts';
import { isCompletion, type Clause } from './clauses.ts';
import { readCondition } from './conditions.ts';
import { addOtherwise, addSteps, conditionFor, type LooseStep } from './draft.ts';
import { readEach, type Each } from './lists.ts';
import type { Reader } from './reader.ts';
import { words, type Request } from './sentences.ts';

/** Reads a request with all it depends on, and gives its steps their place. */
export function readRequest(reader: Reader, request: Request, guard: Guard): Guard {
  const { clause, subordinates, beside } = request;
  const { draft } = reader;
  const leading = subordinates.filter((each) => each.tokens[0]!.start < clause.tokens[0]!.start);
  // In the order of the text: what is named first is what a later "it" means.
  const behind = leading.filter(({ role }) => role === 'before').map((each) => readClause(reader, each));
  for (const each of subordinates.filter(({ role }) => role === 'after')) readWait(reader, each);
  const { own, refused } = readConditions(reader, subordinates);
  const when = own ?? (guard.sentence === clause.sentence ? guard.when : undefined);
  const steps = refused ? undefined : readClause(reader, clause, readItems(reader, subordinates));
  if (steps) place(reader, { steps, clause, beside: beside && own === undefined, when });
  for (const each of subordinates.filter((other) => other.role === 'before' && !leading.includes(other))) {
    behind.push(readClause(reader, each));
  }
  for (const later of behind) if (later) addSteps(draft, later, false);
  return { sentence: clause.sentence, when, fresh: own !== undefined };
}

/** The condition that still holds for the rest of a sentence. */
export interface Guard {
  sentence: number;
  when?: StepCondition;
  fresh?: boolean;
}

interface Placing {
  steps: LooseStep[];
  clause: Clause;
  beside: boolean;
  when?: StepCondition;
}

function place({ draft, ask }: Reader, { steps, clause, beside, when }: Placing): void {
  if (clause.otherwise) {
    if (!draft.condition)
      return ask('what', `Otherwise than what: when is “${steps[0]!.step.text}” to be done?`);
    const { when: last, needs } = draft.condition;
    return addOtherwise(draft, guarded(steps, { ...last, negated: !last.negated }), needs);
  }
  if (when) draft.condition = { when, needs: beside ? draft.before : draft.front };
  // What stands outside the condition's sentence is done whether or not its steps were.
  const skipped = draft.front.some((id) => draft.steps.find((step) => step.id === id)?.when !== undefined);
  const inside = when !== undefined && draft.front.includes(when.step);
  const regardless = skipped && when === undefined ? { regardless: true } : {};
  const own = when !== undefined && !inside && !beside ? undefined : when;
  addSteps(
    draft,
    guarded(
      steps.map(({ step, takes }) => ({ step: { ...step, ...regardless }, takes })),
      own,
    ),
    beside,
  );
}

function guarded(steps: readonly LooseStep[], when: StepCondition | undefined): LooseStep[] {
  return when ? steps.map(({ step, takes }) => ({ step: { ...step, when }, takes })) : [...steps];
}

function readClause(reader: Reader, { text }: Clause, each?: Each): LooseStep[] | undefined {
  const steps = reader.read(text, { each });
  if (!steps) reader.ask('what', `What is to be done by “${words(text, reader.masked)}”?`);
  return steps;
}

/** `after …`: an event, a time, somebody's word, or a step of its own. */
function readWait(reader: Reader, { text }: Clause): void {
  if (isCompletion(text) && reader.draft.front.length > 0) return;
  const steps = reader.read(text, { also: (part) => recogniseWaitedFor(part) ?? recogniseNamedRun(part) });
  if (steps) addSteps(reader.draft, steps, false);
  else reader.ask('when', `What is to be waited for by “${words(text, reader.masked)}”?`);
}

function readConditions(
  reader: Reader,
  subordinates: readonly Clause[],
): { own?: StepCondition; refused?: boolean } {
  const { draft, masked } = reader;
  const clause = subordinates.find(({ role }) => role === 'if' || role === 'unless');
  if (!clause) return {};
  const last = draft.steps.find(({ id }) => id === draft.front.at(-1));
  if (
    /\bapprov/i.test(clause.text) &&
    clause.role === 'if' &&
    last?.action !== 'approval' &&
    last?.action !== 'code_review'
  ) {
    readWait(reader, clause);
    return {};
  }
  const condition = readCondition(clause.text);
  if (!condition || !last) {
    reader.ask('what', `When does “${words(clause.text, masked)}” hold: what of which step is meant?`);
    return { refused: true };
  }
  const negated = clause.role === 'unless' ? !condition.negated : condition.negated;
  return { own: conditionFor(draft, { ...condition, negated }) };
}

function readItems(reader: Reader, subordinates: readonly Clause[]): Each | undefined {
  const clause = subordinates.find(({ role }) => role === 'each');
  if (!clause) return undefined;
  const each = readEach(clause.text, reader.masked);
  const nothing = each?.items === undefined && reader.draft.front.length === 0;
  if (each && !nothing) return each;
  reader.ask('which', `For each of what: which elements are “${words(clause.text, reader.masked)}”?`);
  return undefined;
}
