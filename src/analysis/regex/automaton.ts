import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { type CharRanges, rangesOf } from './char-ranges.ts';

/** One place in a pattern that takes a character. */
export interface Place {
  takes: CharRanges;
  /** Places that may come next, and in how many ways each (2 stands for more than one). */
  next: Map<number, 1 | 2>;
  /** Once here, the whole may still fail, whatever was taken so far. */
  may_fail: boolean;
}

export interface Automaton {
  places: Place[];
  /** Places that may take the first character. */
  first: number[];
}

interface State {
  takes?: CharRanges;
  to: number[];
  /** A condition that takes nothing and may not hold. */
  asks?: boolean;
}

const MAX_PATTERN_CHARS = 2_000;
const MAX_STATES = 400;
const MAX_COPIES = 3;
const MAX_STEPS = 20_000;

class TooLarge extends Error {}

/** The automaton of a pattern; undefined when it is none, or too large to be looked at. */
export function automatonOf(pattern: string, flags: string): Automaton | undefined {
  if (pattern.length > MAX_PATTERN_CHARS) return undefined;
  try {
    const unicode = flags.includes('u');
    const tree = new RegExpParser().parsePattern(pattern, 0, pattern.length, {
      unicode,
      unicodeSets: flags.includes('v'),
    });
    return build(tree, flags.includes('i'));
  } catch {
    return undefined;
  }
}

function build(pattern: AST.Pattern, ignore_case: boolean): Automaton {
  const states: State[] = [];
  const add = (state: State): number => {
    if (states.push(state) > MAX_STATES) throw new TooLarge();
    return states.length - 1;
  };
  const end = add({ to: [] });
  const start = alternatives(pattern.alternatives, end);
  return withoutEmptySteps(states, start, end);

  function alternatives(all: AST.Alternative[], then: number): number {
    const starts = all.map((one) => one.elements.reduceRight((next, element) => piece(element, next), then));
    return starts.length === 1 ? (starts[0] ?? then) : add({ to: starts });
  }

  function piece(element: AST.Element, then: number): number {
    switch (element.type) {
      case 'Group':
      case 'CapturingGroup':
        return alternatives(element.alternatives, then);
      case 'Quantifier':
        return quantifier(element, then);
      case 'Assertion':
      case 'Backreference':
        return add({ to: [then], asks: true });
      default:
        return add({ to: [then], takes: rangesOf(element, ignore_case) });
    }
  }

  /** Many copies behave like a few: `{2,100}` is taken for up to three. */
  function quantifier({ element, min, max }: AST.Quantifier, then: number): number {
    let next = then;
    const needed = Math.min(min, MAX_COPIES);
    if (max === Infinity) {
      const loop = add({ to: [then] });
      const body = piece(element, loop);
      states[loop]?.to.unshift(body);
      // Entered anew, as an inner loop is by an outer one, it is not the loop that just went round.
      next = needed === 0 ? add({ to: [body, then] }) : loop;
    } else {
      const more = Math.min(max - min, MAX_COPIES);
      for (let i = 0; i < more; i++) next = add({ to: [piece(element, next), then] });
    }
    for (let i = 0; i < needed; i++) next = piece(element, next);
    return next;
  }
}

function withoutEmptySteps(states: readonly State[], start: number, end: number): Automaton {
  const taking = states.flatMap((state, i) => (state.takes ? [i] : []));
  const index = new Map(taking.map((state, i) => [state, i]));
  let steps = 0;
  const reach = (from: readonly number[]): { ways: Map<number, 1 | 2>; ends: boolean } => {
    const ways = new Map<number, 1 | 2>();
    let ends = false;
    const visit = (state: number, path: readonly number[], asked: boolean): void => {
      if (++steps > MAX_STEPS) throw new TooLarge();
      const { takes, to, asks = false } = states[state] ?? { to: [] };
      if (state === end && !asked) ends = true;
      const place = index.get(state);
      if (takes && place !== undefined) ways.set(place, ways.has(place) ? 2 : 1);
      else for (const next of to) if (!path.includes(next)) visit(next, [...path, next], asked || asks);
    };
    for (const state of from) visit(state, [state], false);
    return { ways, ends };
  };
  const places = taking.map((state): Place => {
    const { takes = [], to } = states[state] ?? { to: [] };
    const { ways, ends } = reach(to);
    return { takes, next: ways, may_fail: !ends };
  });
  return { places, first: [...reach([start]).ways.keys()] };
}
