import fc from 'fast-check';
import { findingsIn } from '../../test/analysis/analyse-text.ts';
import { countFindings, scoreOf } from './score.ts';

const counts = fc.record({
  error: fc.nat(500),
  warning: fc.nat(500),
  note: fc.nat(500),
  lines: fc.nat(100_000),
});

describe('the score', () => {
  test.each([
    [{ error: 0, warning: 0, note: 0, lines: 0 }, 100],
    [{ error: 5, warning: 0, note: 0, lines: 1_000 }, 50],
    [{ error: 5, warning: 0, note: 0, lines: 10_000 }, 90.9],
    [{ error: 1, warning: 0, note: 0, lines: 10 }, 71.4],
  ])('of %j is %d', (given, score) => {
    expect(scoreOf(given)).toBe(score);
  });

  test('lies between 0 and 100, falls with each finding and rises with the lines', () => {
    fc.assert(
      fc.property(counts, (given) => {
        const score = scoreOf(given);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        expect(scoreOf({ ...given, error: given.error + 1 })).toBeLessThanOrEqual(score);
        expect(scoreOf({ ...given, lines: given.lines + 1_000 })).toBeGreaterThanOrEqual(score);
      }),
    );
  });
});

test('counts are by severity and area', () => {
  const findings = findingsIn({ 'a.js': 'const a = 1;\nif (process.argv == a) eval(process.argv[2]);\n' });
  expect(countFindings(findings, [{ lines: 2 }], { binary: 3 })).toEqual({
    error: 1,
    warning: 1,
    note: 0,
    total: 2,
    areas: {
      static: { error: 0, warning: 1, note: 0 },
      security: { error: 1, warning: 0, note: 0 },
      performance: { error: 0, warning: 0, note: 0 },
    },
    files: 1,
    lines: 2,
    skipped: { binary: 3 },
  });
});
