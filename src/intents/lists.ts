import type { Json } from '../contract/json.ts';
import { spansIn, type Masked } from './spans.ts';

/** What something is done for, one by one. */
export interface Each {
  /** Absent: what the step before answered. */
  items?: Json[];
  /** What one of them is called. */
  noun?: string;
}

const RESULTS =
  /^(?:of )?(?:the |its |these |those )?(?:results?|answers?|items?|elements?|entries|rows?|them|lines?)\b/i;
const INLINE = /\b(?:for )?(?:each|every one|all)(?: of)?(?: the| these| those)? (.+)$/i;

/** Reads what follows `for each`; undefined when it names nothing that can be gone through. */
export function readEach(text: string, masked: Masked): Each | undefined {
  const spans = spansIn(text, masked).filter(({ kind }) => kind !== 'code');
  const [first] = spans;
  if (spans.length === 1 && first?.kind === 'json' && Array.isArray(first.value))
    return { items: first.value };
  if (spans.length > 0) return { items: spans.map((span) => span.text), noun: nounOf(text) };
  const numbers = [...text.matchAll(/(?<![\p{L}\d.])\d{1,15}(?![\p{L}\d.])/gu)].map(([digits]) =>
    Number(digits),
  );
  if (numbers.length > 0) return { items: numbers, noun: nounOf(text) };
  return RESULTS.test(text.trim()) ? {} : undefined;
}

/** `each of the orders 1, 2 and 3` within a clause: what is gone through, and the clause without it. */
export function takeInlineEach(text: string, masked: Masked): { rest: string; each?: Each } {
  const found = /\b(?:each|all)\b/i.test(text) ? INLINE.exec(text) : null;
  const each = found ? readEach(found[1]!, masked) : undefined;
  if (!found || !each || (each.items?.length ?? 2) < 2) return { rest: text };
  return { rest: `${text.slice(0, found.index)}${each.noun ?? ''}`.trim(), each };
}

/** `the orders 1, 2` are of `order`. */
function nounOf(text: string): string | undefined {
  const word = /^(?:of )?(?:the |these |those )?(\p{L}{2,40})/iu.exec(text.trim())?.[1];
  return word === undefined ? undefined : singular(word.toLowerCase());
}

export function singular(word: string): string {
  if (/ies$/.test(word)) return `${word.slice(0, -3)}y`;
  return /[^s]s$/.test(word) ? word.slice(0, -1) : /(ss|x|ch|sh)es$/.test(word) ? word.slice(0, -2) : word;
}
