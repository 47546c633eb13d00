import type { AST } from '@eslint-community/regexpp';

/** Characters as pairs of first and last code point, in order and apart. */
export type CharRanges = readonly (readonly [number, number])[];

const LAST = 0x10ffff;
const DIGITS: CharRanges = [[48, 57]];
const WORDS: CharRanges = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACES: CharRanges = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: CharRanges = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];

type Taking = AST.Character | AST.CharacterClass | AST.CharacterSet | AST.ExpressionCharacterClass;

/** The characters that an element of a pattern takes. What is too clever to be told takes everything. */
export function rangesOf(element: Taking | AST.Element, ignore_case: boolean): CharRanges {
  const ranges = plainRanges(element);
  return ignore_case ? withBothCases(ranges) : ranges;
}

/** A character that both take, or undefined. */
export function commonCharacter(one: CharRanges, other: CharRanges): number | undefined {
  for (const [from, to] of one) {
    for (const [start, end] of other) {
      const first = Math.max(from, start);
      if (first <= Math.min(to, end)) return first;
    }
  }
  return undefined;
}

function plainRanges(element: AST.Element | AST.CharacterClassElement): CharRanges {
  switch (element.type) {
    case 'Character':
      return [[element.value, element.value]];
    case 'CharacterClassRange':
      return [[element.min.value, element.max.value]];
    case 'CharacterSet':
      return setRanges(element);
    case 'CharacterClass': {
      const inside = element.elements.flatMap((one) => [...plainRanges(one)]);
      return element.negate ? complement(inside) : normalised(inside);
    }
    default:
      return [[0, LAST]];
  }
}

function setRanges(set: AST.CharacterSet): CharRanges {
  if (set.kind === 'any') return complement(LINE_ENDS);
  if (set.kind === 'property') return [[0, LAST]];
  const ranges = set.kind === 'digit' ? DIGITS : set.kind === 'word' ? WORDS : SPACES;
  return set.negate ? complement(ranges) : ranges;
}

function normalised(ranges: CharRanges): CharRanges {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function complement(ranges: CharRanges): CharRanges {
  const outside: [number, number][] = [];
  let next = 0;
  for (const [from, to] of normalised(ranges)) {
    if (from > next) outside.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) outside.push([next, LAST]);
  return outside;
}

/** Of letters without accents only: enough to see that two places take the same. */
function withBothCases(ranges: CharRanges): CharRanges {
  const moved = ranges.flatMap(([from, to]) => [
    ...overlap(from, to, [65, 90], 32),
    ...overlap(from, to, [97, 122], -32),
  ]);
  return normalised([...ranges, ...moved]);
}

function overlap(from: number, to: number, [start, end]: [number, number], by: number): [number, number][] {
  const [first, last] = [Math.max(from, start), Math.min(to, end)];
  return first <= last ? [[first + by, last + by]] : [];
}
