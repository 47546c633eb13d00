import { LanguageFault } from './expression-error.ts';
import { parsePattern } from './pattern-parser.ts';
import type { Pattern } from './pattern-parser.ts';

const MAX_STATES = 2_000;

type Assertion = Extract<Pattern, { kind: 'assert' }>['at'];
type State =
  | { op: 'char'; test: (char: string) => boolean; next: number }
  | { op: 'assert'; at: Assertion; next: number }
  | { op: 'fork'; next: number[] }
  | { op: 'match' };

export interface SafePattern {
  /**
   * Whether the text contains a match. `spend` is told the steps made, at each character; it may throw to stop.
   */
  test(text: string, spend: (steps: number) => void): boolean;
}

/**
 * A regular expression that cannot be made to run away: it follows all alternatives at once (Thompson's
 * construction), so its time is the text's length times its own size, whatever the pattern. The price: no
 * back-references, no look-around. Throws `LanguageFault` for a pattern it cannot take.
 */
export function compilePattern(source: string): SafePattern {
  const states: State[] = [];
  const start = build(states, parsePattern(source), push(states, { op: 'match' }));
  return { test: (text, spend) => simulate(states, start, text, spend) };
}

function push(states: State[], state: State): number {
  if (states.length >= MAX_STATES)
    throw new LanguageFault(`the pattern needs more than ${MAX_STATES} states`);
  return states.push(state) - 1;
}

/** Builds back to front: `next` is where a match of `pattern` goes on; answers where it begins. */
function build(states: State[], pattern: Pattern, next: number): number {
  switch (pattern.kind) {
    case 'char':
      return push(states, { op: 'char', test: pattern.test, next });
    case 'assert':
      return push(states, { op: 'assert', at: pattern.at, next });
    case 'sequence':
      return pattern.items.reduceRight((following, item) => build(states, item, following), next);
    case 'choice':
      return push(states, { op: 'fork', next: pattern.items.map((item) => build(states, item, next)) });
    case 'repeat':
      return repeat(states, pattern, next);
  }
}

function repeat(states: State[], pattern: Extract<Pattern, { kind: 'repeat' }>, next: number): number {
  const { item, min, max } = pattern;
  if (Math.max(min, max === Infinity ? 0 : max) > MAX_STATES)
    throw new LanguageFault('the pattern repeats too often');
  let entry = next;
  if (max === Infinity) {
    const fork: State = { op: 'fork', next: [next] };
    entry = push(states, fork);
    fork.next.push(build(states, item, entry));
  } else {
    for (let i = min; i < max; i++)
      entry = push(states, { op: 'fork', next: [next, build(states, item, entry)] });
  }
  for (let i = 0; i < min; i++) entry = build(states, item, entry);
  return entry;
}

function simulate(states: State[], start: number, text: string, spend: (steps: number) => void): boolean {
  const marks = new Int32Array(states.length).fill(-1);
  let previous = '';
  let active: number[] = [];
  let position = 0;
  for (const char of [...text, '']) {
    // The end of the text is an empty "character": only assertions can still be passed there.
    const reached = close(states, [...active, start], { marks, position, previous, char });
    if (reached === 'match') return true;
    spend(reached.length + 1);
    active = [];
    for (const id of reached) {
      const state = states[id];
      if (char !== '' && state?.op === 'char' && state.test(char)) active.push(state.next);
    }
    previous = char;
    position++;
  }
  return false;
}

interface Place {
  /** For each state the position at which it was last reached. */
  marks: Int32Array;
  position: number;
  previous: string;
  char: string;
}

/** All states reachable without reading a character. */
function close(states: State[], from: number[], place: Place): number[] | 'match' {
  const reached: number[] = [];
  const pending = from;
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (place.marks[id] === place.position) continue;
    place.marks[id] = place.position;
    const state = states[id];
    if (state?.op === 'match') return 'match';
    if (state?.op === 'fork') pending.push(...state.next);
    else if (state?.op === 'assert' && holds(state.at, place)) pending.push(state.next);
    else if (state?.op === 'char') reached.push(id);
  }
  return reached;
}

function holds(at: Assertion, place: Place): boolean {
  if (at === 'start') return place.position === 0;
  if (at === 'end') return place.char === '';
  const boundary = isWord(place.previous) !== isWord(place.char);
  return at === 'boundary' ? boundary : !boundary;
}

function isWord(char: string): boolean {
  return /^\w$/.test(char);
}
