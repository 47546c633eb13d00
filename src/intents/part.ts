import type { IntentAction, IntentQuestion } from '../contract/intent.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { WorkflowIndex } from './catalogue.ts';
import { METHODS } from './lexicon.ts';
import type { Each } from './lists.ts';
import { spansOf, type Masked, type Span } from './spans.ts';
import { tokenise } from './tokens.ts';

/** What a recogniser is shown: one clause that asks for one thing. */
export interface Part {
  /** Masked. */
  text: string;
  /** The first word. */
  verb: string;
  masked: Masked;
  /** It is to be done for each of these. */
  each?: Each;
  said: Said;
  index: WorkflowIndex;
}

/** What was named up to here, and what the whole text or the context names. */
export interface Said {
  /** Of this or an earlier clause. */
  get(name: string): Json | undefined;
  /** By the context only. */
  given(name: string): Json | undefined;
  /** Whether something comes before whose answer can be taken. */
  has_result: boolean;
}

/** One reading of a clause. */
export interface Candidate {
  action: IntentAction;
  confidence: number;
  parameters: JsonObject;
  asks?: Omit<IntentQuestion, 'step'>[];
  /** It takes what the step before answered. */
  takes_result?: boolean;
  /** Where in the parameters the element goes, of what it is done for each of. */
  into?: string[];
  /** Parameters of further steps of the same kind, beside this one. */
  more?: JsonObject[];
}

export type Recogniser = (part: Part) => Candidate | undefined;

export function partOf(text: string, around: Omit<Part, 'text' | 'verb'>): Part {
  const [first] = tokenise(text);
  return { ...around, text, verb: first?.kind === 'word' ? first.text : '' };
}

export function spansOfPart<K extends Span['kind']>(
  { text, masked }: Part,
  kind: K,
): Extract<Span, { kind: K }>[] {
  return spansOf(text, masked, kind);
}

/** Whether it speaks of what was named before. */
export function pointsBack({ text }: Part): boolean {
  return /\b(it|its|this|that|them|these|those|same)\b/i.test(text);
}

export function methodIn({ text }: Part): string | undefined {
  return tokenise(text).find((token) => METHODS.has(token.text))?.text;
}

/** Something that the steps before answered. */
export const RESULT = /\b(results?|answers?|responses?|outputs?|data|json|it|them|everything|both|body)\b/i;
