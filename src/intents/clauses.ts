import { beginsAction, namesAction, readLead, readTail, type Lead } from './lead.ts';
import { ARTICLES, BEFORE_NOUNS, NO_ACTIONS } from './lexicon.ts';
import type { Masked } from './spans.ts';
import { tokenise, type Token } from './tokens.ts';

/** A part of the text that says one thing: an action, or what an action waits for. */
export interface Clause extends Omit<Lead, 'end' | 'connects' | 'ends_sentence'> {
  /** Masked, without the words that led to it. */
  text: string;
  tokens: Token[];
  sentence: number;
  /** The first of its sentence. */
  opening: boolean;
}

/** That something before has ended, said in a clause of its own. */
const COMPLETION =
  /^(?:(?:both|all|everything|they|it|that|this|these|those|which)(?: of (?:them|these|those|it))?|the (?:results?|answers?|steps?))?(?: ?(?:is|are|has|have|was|were|gets?))?(?: been)?(?: ?(?:done|finished|complete|completed|ready|through|over|ended|succeeded|successful|passed|deployed|merged|reviewed|there))?$/i;
const NOUN_OF_STEP =
  /^(?:the |a |its )?(?:successful )?(?:deployment|review|analysis|import|fetch|download|wait|report|run|execution)(?: (?:is|has|was)(?: been)?)?(?: (?:done|finished|complete|completed|ready|over|ended))?$/i;

export function isCompletion(text: string): boolean {
  return COMPLETION.test(text.trim()) || NOUN_OF_STEP.test(text.trim());
}

const MAX_COMPLETION_WORDS = 12;

/** The clauses of a masked text in its order; `own` are the stems of words that a project names its workflows by. */
export function splitClauses(masked: Masked, own: ReadonlySet<string>): Clause[] {
  const tokens = tokenise(masked.text);
  const clauses: Clause[] = [];
  let sentence = 0;
  for (let at = 0; at < tokens.length;) {
    const current = clauses.at(-1);
    const tail = current && readTail(tokens, at);
    const lead = tail ?? readLead(tokens, at);
    const goes_on = current !== undefined && !beginsClause(tokens, at, { lead, current, own });
    if (lead.end >= tokens.length || tail) {
      if (current) Object.assign(current, tailOf(lead, current));
      at = Math.max(lead.end, at + 1);
    } else if (goes_on) {
      current.tokens.push(tokens[at]!);
      at++;
    } else {
      if (lead.ends_sentence) sentence++;
      clauses.push(
        clauseOf(
          lead,
          tokens[lead.end]!,
          current?.sentence !== sentence ? { sentence, opening: true } : { sentence, opening: false },
        ),
      );
      at = lead.end + 1;
    }
  }
  return clauses.map((clause) => ({ ...clause, text: textOf(clause.tokens, masked) }));
}

function clauseOf(lead: Lead, first: Token, place: { sentence: number; opening: boolean }): Clause {
  const { role, then, parallel, otherwise, joined } = lead;
  return { role, then, parallel, otherwise, joined, ...place, text: '', tokens: [first] };
}

function tailOf(lead: Lead, clause: Clause): Partial<Clause> {
  return { parallel: clause.parallel || lead.parallel, then: clause.then || lead.then };
}

interface Place {
  lead: Lead;
  current: Clause;
  own: ReadonlySet<string>;
}

function beginsClause(tokens: readonly Token[], at: number, { lead, current, own }: Place): boolean {
  const next = tokens[lead.end];
  if (next === undefined) return false;
  if (lead.connects) {
    if (lead.ends_sentence || lead.role !== 'main' || lead.otherwise) return true;
    if (beginsAction(tokens, lead.end, own)) return true;
    if (lead.parallel) return namesAction(next) || lead.joined;
    if (current.role !== 'main') return current.role !== 'each' && tokens[at]!.text === ',';
    if (lead.then && tokens[at]!.kind === 'mark') return true;
    return (lead.then && lead.joined) || isUnknownAction(tokens, lead);
  }
  // Behind `after`, somebody approves.
  const subject = next.lower === 'approve';
  return (
    current.role !== 'main' &&
    lead.end === at &&
    !subject &&
    beginsAction(tokens, at, own) &&
    mayFollow(current)
  );
}

/** Whether a verb right behind a subordinate clause begins the next one. */
function mayFollow({ tokens }: Clause): boolean {
  const last = tokens.at(-1)!;
  if (tokens.length > MAX_COMPLETION_WORDS) return !BEFORE_NOUNS.has(last.lower);
  return !BEFORE_NOUNS.has(last.lower) || isCompletion(tokens.map(({ text }) => text).join(' '));
}

/** `and wipe the …`: a verb that nobody here knows. To pass over it would be to do half of what was asked. */
function isUnknownAction(tokens: readonly Token[], lead: Lead): boolean {
  const [word, article] = [tokens[lead.end]!, tokens[lead.end + 1]];
  if (!lead.joined || word.kind !== 'word' || article?.kind !== 'word') return false;
  return /^\p{Ll}+$/u.test(word.text) && !NO_ACTIONS.has(word.lower) && ARTICLES.has(article.lower);
}

function textOf(tokens: readonly Token[], { text }: Masked): string {
  return text.slice(tokens[0]!.start, tokens.at(-1)!.end);
}
