import type { RefineContext } from '../contract/spec-engine.ts';
import type { Clause } from './clauses.ts';
import type { Draft } from './draft.ts';
import type { Steps } from './steps.ts';

export interface Editing {
  draft: Draft;
  steps: Steps;
  context: RefineContext;
  /** The step that `it` means: the one that was spoken of last. */
  last?: string;
}

/** What was done. */
export interface Done {
  /** For a person: `removed the step “a”`. */
  said: string;
  /** The step that it was about, if it was one. */
  step?: string;
}

/** A kind of edit that the rules know. */
export interface Instruction {
  /** How it is said, with examples; this is what is shown to who was not understood, and what docs/spec-engine.md has. */
  how: readonly string[];
  /** Does it; undefined for a clause that says something else. Throws `Unclear`. */
  follow(clause: Clause, editing: Editing): Done | undefined;
}

/** The step that a word means. */
export function stepNamed(word: string, { steps, last }: Editing): string {
  return /^(?:it|that|this)$/i.test(word) && last !== undefined && !steps.has(word) ? last : word;
}

export function quoted(ids: readonly string[]): string {
  return ids.map((id) => `“${id}”`).join(', ');
}
