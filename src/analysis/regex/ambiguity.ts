import { type Automaton, automatonOf, type Place } from './automaton.ts';
import { commonCharacter } from './char-ranges.ts';

const MAX_PLACES = 120;
/** Steps of two walks at once, for all of a pattern. */
const MAX_PAIRS = 40_000;

/**
 * Whether a pattern has a loop that can go through one text in two ways and fail behind it: then a text of n characters
 * that almost fits takes 2ⁿ steps. Patterns that are too large to tell are taken to be harmless.
 */
export function isExponential(pattern: string, flags = ''): boolean {
  const automaton = automatonOf(pattern, flags);
  if (!automaton || automaton.places.length > MAX_PLACES) return false;
  const budget = { pairs: MAX_PAIRS };
  return automaton.places.some(
    (place, at) => place.may_fail && (goesTwoWays(automaton, at) || partsAndMeets(automaton, at, budget)),
  );
}

/** A step to another place of the same loop that can be made in two ways, as in `(a*)*`. */
function goesTwoWays({ places }: Automaton, from: number): boolean {
  for (const [to, ways] of places[from]?.next ?? [])
    if (ways > 1 && (to === from || isReachable(places, to, from))) return true;
  return false;
}

function isReachable(places: readonly Place[], from: number, goal: number): boolean {
  const seen = new Set([from]);
  const waiting = [from];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const next of places[at]?.next.keys() ?? []) {
      if (next === goal) return true;
      if (!seen.has(next)) waiting.push(next);
      seen.add(next);
    }
  }
  return false;
}

/** Two walks that start together, part, take the same characters and come back together, as in `(a|a)*` and `(\w+\s?)*`. */
function partsAndMeets({ places }: Automaton, start: number, budget: { pairs: number }): boolean {
  const width = places.length;
  const seen = new Set<number>();
  const waiting: { one: number; other: number; parted: boolean }[] = [
    { one: start, other: start, parted: false },
  ];
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    for (const one of places[at.one]?.next.keys() ?? []) {
      for (const other of places[at.other]?.next.keys() ?? []) {
        if (budget.pairs-- <= 0) return false;
        const parted = at.parted || one !== other;
        if (commonCharacter(places[one]?.takes ?? [], places[other]?.takes ?? []) === undefined) continue;
        if (parted && one === start && other === start) return true;
        const key = (one * width + other) * 2 + Number(parted);
        if (seen.has(key)) continue;
        seen.add(key);
        waiting.push({ one, other, parted });
      }
    }
  }
  return false;
}
