import fc from 'fast-check';
import { isExponential } from './ambiguity.ts';

const CATASTROPHIC = [
  '^(a+)+$',
  '^(a*)*$',
  '(a|a)*b',
  '^(\\w+\\s?)*$',
  '^([a-zA-Z0-9]+)*@',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(x+x+)+y',
  '^(\\d{1,3})+$',
  '(.*,)*x',
  '^([^\\s]+\\s*)+:$',
  '(?:a|ab|b)+c',
  '^((a|b)+)*c',
  '(\\r\\n|\\n|\\r)+x',
];
const HARMLESS = [
  '^a+$',
  '^\\d+(\\.\\d+)?$',
  '^[a-z]+(-[a-z]+)*$',
  '^([a-z]+,)*[a-z]+$',
  '^(\\w+\\s)*$',
  '\\s+$',
  '^(a+)+',
  '^(a?)+$x',
  '^(?:ab|cd)+$',
  '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
  '^(?=.*\\d)[a-z\\d]{8,}$',
  '^([01]?\\d|2[0-3]):[0-5]\\d$',
];

describe('a pattern', () => {
  test.each(CATASTROPHIC)('is catastrophic: %s', (pattern) => {
    expect(isExponential(pattern)).toBe(true);
  });

  test.each(HARMLESS)('is harmless: %s', (pattern) => {
    expect(isExponential(pattern)).toBe(false);
  });

  test('letters of either case are the same under the flag i', () => {
    expect(isExponential('^(a|A)*$')).toBe(false);
    expect(isExponential('^(a|A)*$', 'i')).toBe(true);
  });

  test('a loop within a loop over the same letter is found wherever it stands', () => {
    const around = fc.stringMatching(/^[b-y]{0,6}$/);
    fc.assert(
      fc.property(around, around, (before, after) => {
        expect(isExponential(`^${before}(a+)+${after}$`)).toBe(true);
        expect(isExponential(`^${before}(a+z)+${after}$`)).toBe(false);
      }),
    );
  });

  test('what is no pattern, or is too large, is not judged', () => {
    expect(isExponential('(')).toBe(false);
    expect(isExponential(`^${'(a+)+'.repeat(1_000)}$`)).toBe(false);
    fc.assert(fc.property(fc.string(), (text) => typeof isExponential(text) === 'boolean'));
  });
});
