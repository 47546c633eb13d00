const NUMBERS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  forty: 40,
  'forty-five': 45,
  fifty: 50,
  sixty: 60,
  ninety: 90,
  half: 0.5,
  'half a': 0.5,
  'half an': 0.5,
};
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(ms|millisecond)/, 0.001],
  [/^(s$|sec)/, 1],
  [/^(m$|min)/, 60],
  [/^h/, 3_600],
  [/^d/, 86_400],
  [/^w/, 604_800],
];
const WORDS = Object.keys(NUMBERS)
  .filter((word) => !word.includes(' '))
  .join('|');
/** A number in words stands apart from its unit: "and" is no day. */
const NUMBER = `\\d{1,9}(?:\\.\\d{1,6})?|(?:half an?|${WORDS})(?=[ -])`;
const UNIT = 'milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w';
/** A length of time: how many, and of what. */
export const DURATION = `(?:(?:${NUMBER})[ -]?(?:${UNIT})(?![\\p{L}]))`;
const ONE = new RegExp(`(?<![\\p{L}\\d.])(${NUMBER})[ -]?(${UNIT})(?![\\p{L}])`, 'giu');

/** Seconds that a text names; several lengths of time (`1 hour and 30 minutes`, `1h30m`) are added up. */
export function durationIn(text: string): number | undefined {
  const found = [...text.replace(/(\d)([hm])(?=\d)/gi, '$1$2 ').matchAll(ONE)];
  if (found.length === 0) return undefined;
  const half = /\b(hour|minute|day|week) and a half\b/i.test(text);
  const parts = found.map(([, count, unit]) => numberOf(count!) * secondsOf(unit!));
  const sum = parts.reduce((total, each) => total + each, 0) + (half ? 0.5 * secondsOf(found[0]![2]!) : 0);
  return Math.round(sum * 1_000) / 1_000;
}

/** A number in digits or in words; NaN for anything else. */
export function numberOf(word: string): number {
  return NUMBERS[word.toLowerCase()] ?? Number(word);
}

function secondsOf(unit: string): number {
  return UNITS.find(([pattern]) => pattern.test(unit.toLowerCase()))?.[1] ?? Number.NaN;
}
