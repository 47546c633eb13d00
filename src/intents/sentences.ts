import { isCompletion, type Clause } from './clauses.ts';
import { ANSWERING, isVerbOf } from './lexicon.ts';
import { spansOf, unmask, type Masked } from './spans.ts';
import { stem } from './stem.ts';

/** A clause that asks for something, with what it depends on. */
export interface Request {
  clause: Clause;
  subordinates: Clause[];
  /** At the same time as the request before. */
  beside: boolean;
}

/** Puts each subordinate clause to the one it belongs to, and drops what asks for nothing further. */
export function requestsOf(clauses: readonly Clause[], masked: Masked): Request[] {
  const requests: Request[] = [];
  let waiting: Clause[] = [];
  let then = false;
  for (const [i, clause] of clauses.entries()) {
    if (clause.role === 'main') {
      if (isSaidAnyway(clause, requests.length > 0, masked)) continue;
      const begun = {
        clause: { ...clause, then: clause.then || then },
        subordinates: waiting,
        beside: false,
      };
      if (!joinsLast(begun, requests.at(-1), masked)) requests.push(begun);
      [waiting, then] = [[], false];
    } else if (clause.role === 'after' && requests.length > 0 && isCompletion(clause.text)) then = true;
    else if (leads(clause, clauses.slice(i + 1)) || requests.length === 0) waiting.push(clause);
    else requests.at(-1)!.subordinates.push(clause);
  }
  if (waiting.length > 0)
    requests.push(...waiting.map((clause) => ({ clause, subordinates: [], beside: false })));
  return placed(requests);
}

/** What comes before the clause it belongs to stands at a beginning, or behind `and` or a comma. */
function leads({ sentence, opening, joined, then }: Clause, following: readonly Clause[]): boolean {
  const next = following.find(({ role }) => role === 'main');
  return next?.sentence === sentence && (opening || joined || then);
}

/** `and give me the JSON`: every run answers. */
function isSaidAnyway({ tokens, text }: Clause, follows: boolean, masked: Masked): boolean {
  const first = tokens[0]!;
  if (spansOf(text, masked, 'url').length > 0) return false;
  return /^(thanks|thank|cheers|please)$/.test(first.lower) || (follows && ANSWERING.has(stem(first.text)));
}

/** `retry it` says how the last one is done; `… and wipe the old files: <code>` says what its code does. */
function joinsLast({ clause, subordinates }: Request, last: Request | undefined, masked: Masked): boolean {
  if (!last || subordinates.length > 0) return false;
  const { text, tokens } = clause;
  const retries =
    isVerbOf('retry', tokens[0]!.text) && !/^retry (?:the |all )?\w+ (?:run|workflow)/i.test(text);
  const has_code = (part: string) => spansOf(part, masked, 'code').length > 0;
  const describes =
    has_code(text) && !has_code(last.clause.text) && isVerbOf('code', last.clause.tokens[0]!.text);
  if (!retries && !describes) return false;
  last.clause = { ...last.clause, text: `${last.clause.text} ${text}` };
  return true;
}

/** Requests of one sentence go side by side where it says so; `then` and what must come before begin anew. */
function placed(requests: Request[]): Request[] {
  const groups: Request[][] = [];
  for (const request of requests) {
    const last = groups.at(-1)?.at(-1);
    if (last && continues(request, last)) groups.at(-1)!.push(request);
    else groups.push([request]);
  }
  return groups.flatMap((group, i) => {
    const parallel = group.some(({ clause }) => clause.parallel);
    const joins = i > 0 && group.length === 1 && parallel && group[0]!.clause.opening;
    return group.map((request, k) => ({ ...request, beside: parallel && (k > 0 || joins) }));
  });
}

function continues({ clause, subordinates }: Request, { clause: last }: Request): boolean {
  const waits = subordinates.some(({ role }) => role === 'after' || role === 'if' || role === 'unless');
  return (
    clause.sentence === last.sentence && !(clause.then && !clause.parallel) && !waits && !clause.otherwise
  );
}

/** A clause as somebody wrote it, for a person to read. */
export function words(text: string, masked: Masked): string {
  return unmask(text, masked)
    .replace(/\s+/g, ' ')
    .replace(/[\s:,]+$/, '')
    .trim();
}
