import { mask, type Masked } from './mask.ts';

/** One thing that is asked for: as it was written, and filled over as `mask` does. */
export type Clause = Masked;

/** Behind `and` and a comma these begin another clause. */
const VERBS =
  'add|insert|create|append|remove|delete|drop|rename|retry|set|change|make|run|skip|always run|only run|continue|ignore|pause|' +
  "require|give|limit|stop|write|describe|do not|don['’]t|never";
const SEPARATOR = new RegExp(
  `\\n|;|[.!](?= |$)|\\?(?=\\n|$)|,? (?:and )?then |,? and (?=(?:${VERBS}) )|, (?=(?:${VERBS}) )`,
  'gim',
);
const LEAD =
  /^(?:(?:please|kindly|also|now|next|then|first|second|third|finally|lastly|and|but|just|can you|could you|would you|i want to|i want you to|i would like to|i(?:'|’)d like to|we need to|let(?:'|’)s)[ ,] ?)+/i;

/** The clauses of instructions in their order. */
export function splitClauses(instructions: string): Clause[] {
  const whole = mask(instructions);
  const clauses: Clause[] = [];
  let from = 0;
  for (const found of whole.masked.matchAll(SEPARATOR)) {
    clauses.push(part(whole, from, found.index));
    from = found.index + found[0].length;
  }
  clauses.push(part(whole, from, whole.masked.length));
  return clauses.filter(({ raw }) => raw !== '');
}

/** A part of a clause, without the blanks, commas and polite words around it. */
export function part({ raw, masked }: Masked, from: number, to: number): Clause {
  let [start, end] = [from, to];
  while (start < end && /[\s,]/.test(masked[start]!)) start++;
  start += LEAD.exec(masked.slice(start, end))?.[0].length ?? 0;
  while (end > start && /[\s,:.!?]/.test(masked[end - 1]!)) end--;
  return { raw: raw.slice(start, end), masked: masked.slice(start, end) };
}
