import { FILLERS, METHODS, isBaseVerb, isVerb } from './lexicon.ts';
import { stem } from './stem.ts';
import type { Token } from './tokens.ts';

/** What a clause is to the one it belongs to. */
export type Role = 'main' | 'after' | 'before' | 'if' | 'unless' | 'each';

/** The words that lead over to a clause. */
export interface Lead {
  role: Role;
  /** It comes after what was said before. */
  then: boolean;
  parallel: boolean;
  /** In place of the one before, whose condition did not hold. */
  otherwise: boolean;
  /** Behind `and` or a comma. */
  joined: boolean;
  ends_sentence: boolean;
  /** Something stood there that may begin a clause; fillers alone may not. */
  connects: boolean;
  /** Index of the first token behind it. */
  end: number;
}

type Effect = Partial<Omit<Lead, 'end'>>;

const PHRASES: readonly [string, Effect][] = [
  ...phrases('and|but|plus', { joined: true }),
  ...phrases(
    'then|next|afterwards|subsequently|thereafter|later|finally|lastly|first|firstly|second|secondly',
    { then: true },
  ),
  ...phrases(
    'third|thirdly|fourth|fifth|last|after that|after this|after it|as a last step|to begin with|as well',
    { then: true },
  ),
  ...phrases(
    'in parallel|at the same time|simultaneously|concurrently|meanwhile|side by side|in the meantime|while',
    { parallel: true },
  ),
  ...phrases('otherwise|or else|else|if not', { otherwise: true }),
  ...phrases('after|once|when|whenever|as soon as|upon', { role: 'after' }),
  ...phrases('before|prior to', { role: 'before' }),
  ...phrases('if|in case|provided that|provided|as long as', { role: 'if' }),
  ...phrases('unless|except when', { role: 'unless' }),
  ...phrases('for each of|for every one of|for all of|for each|for every|for all', { role: 'each' }),
];

function phrases(list: string, effect: Effect): [string, Effect][] {
  return list.split('|').map((words) => [words, effect]);
}

/** The longest first, by their first word. */
const BY_WORD = new Map<string, { words: string[]; effect: Effect }[]>();
for (const [text, effect] of PHRASES) {
  const words = text.split(' ');
  const same = [...(BY_WORD.get(words[0]!) ?? []), { words, effect }];
  BY_WORD.set(
    words[0]!,
    same.sort((a, b) => b.words.length - a.words.length),
  );
}

/** `… at the same time` and `… afterwards` at the end of what they speak of. */
export function readTail(tokens: readonly Token[], from: number): Lead | undefined {
  const lead = emptyLead(from);
  if (!readPhrase(tokens, lead) || !(lead.then || lead.parallel)) return undefined;
  const next = tokens[lead.end];
  return next === undefined || next.kind === 'mark' ? lead : undefined;
}

/** Reads what leads to a clause at `from`; it may be empty. */
export function readLead(tokens: readonly Token[], from: number): Lead {
  const lead = emptyLead(from);
  for (let token = tokens[from]; token !== undefined && lead.role === 'main'; token = tokens[lead.end]) {
    if (token.kind === 'mark') readMark(token, lead);
    else if (!readPhrase(tokens, lead) && !readFiller(token, lead)) break;
  }
  return lead;
}

function emptyLead(from: number): Lead {
  return {
    role: 'main',
    then: false,
    parallel: false,
    otherwise: false,
    joined: false,
    ends_sentence: false,
    connects: false,
    end: from,
  };
}

function readMark({ text }: Token, lead: Lead): void {
  lead.end++;
  lead.connects = true;
  if ('.!?;'.includes(text)) lead.ends_sentence = true;
  else lead.joined = true;
}

function readPhrase(tokens: readonly Token[], lead: Lead): boolean {
  const token = tokens[lead.end]!;
  const found = (BY_WORD.get(token.lower) ?? []).find(({ words }) =>
    words.every((word, i) => tokens[lead.end + i]?.lower === word),
  );
  if (!found || isAdverb(tokens, lead.end)) return false;
  Object.assign(lead, found.effect, { connects: true });
  lead.end += found.words.length;
  return true;
}

/** Behind one of these, a second is a time. */
const MEASURES = /^(\d[\d.]*|a|an|one|each|every|per|half|next|last|another)$/;

/** `1 second`, `once a day`, `run it once` and `while` before what is no action join nothing. */
function isAdverb(tokens: readonly Token[], at: number): boolean {
  if (tokens[at]!.lower === 'second' && MEASURES.test(tokens[at - 1]?.lower ?? '')) return true;
  const next = tokens[at + 1];
  if (tokens[at]!.lower === 'while') return !namesAction(next);
  return (
    tokens[at]!.lower === 'once' &&
    (next === undefined || next.kind === 'mark' || /^(a|an|per|more)$/.test(next.lower))
  );
}

function readFiller({ lower }: Token, lead: Lead): boolean {
  if (!FILLERS.has(lower)) return false;
  lead.end++;
  return true;
}

/** Whether an action is named at a token; `own` are the stems of words that a project names its workflows by. */
export function beginsAction(tokens: readonly Token[], at: number, own: ReadonlySet<string>): boolean {
  const token = tokens[at];
  if (token?.kind !== 'word' || tokens[at + 1]?.lower === 'of') return false;
  return (
    METHODS.has(token.text) ||
    isBaseVerb(token.lower) ||
    (own.has(stem(token.text)) && !/s$/.test(token.lower))
  );
}

/** The same in any form of the verb, as behind `while`. */
export function namesAction(token: Token | undefined): boolean {
  return token?.kind === 'word' && isVerb(token.lower);
}
