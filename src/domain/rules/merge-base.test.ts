import fc from 'fast-check';
import { distance, historyOf, isAncestor, mergeBases, type Version } from './merge-base.ts';

/** `a < b c`: a has the parents b and c; `a = b`: a is b, compacted. */
function history(...lines: string[]) {
  return historyOf(
    lines.map((line): Version => {
      const [id = '', sign, ...others] = line.split(' ');
      const compacted_from_id = sign === '=' ? others[0]! : null;
      const parents = sign === '<' ? others : [];
      return { id, kind: 'dag_version', version_hash: `hash of ${id}`, parents, compacted_from_id };
    }),
  );
}
const bases = (of: ReturnType<typeof history>, ours: string, theirs: string) =>
  mergeBases(of, [ours], [theirs]).map(({ id }) => id);

it('is the last version both sides come from', () => {
  const forked = history('r', 'b < r', 'o < b', 'o2 < o', 't < b');
  expect(bases(forked, 'o2', 't')).toEqual(['b']);
  expect(bases(forked, 'o2', 'o')).toEqual(['o']);
  expect(bases(forked, 'o', 'o')).toEqual(['o']);
});

it('moves on with each merge', () => {
  const merged = history('r', 'o < r', 't < r', 'm < o t', 't2 < t', 'm2 < m');
  expect(bases(merged, 'm2', 't2')).toEqual(['t']);
});

it('has none for strangers and several after a criss-cross', () => {
  expect(bases(history('a', 'b'), 'a', 'b')).toEqual([]);
  const crossed = history('r', 'a < r', 'b < r', 'x < a b', 'y < b a');
  expect(bases(crossed, 'x', 'y')).toEqual(['a', 'b']);
});

it('looks through compaction: the compacted version is the one it was made of', () => {
  const compacted = history('r', 'p1 < r', 'p2 < p1', 'c = p2', 'n < c', 'o < p2');
  expect(bases(compacted, 'n', 'o')).toEqual(['p2']);
  expect(distance(compacted, 'p2', 'c')).toEqual({ ahead: 0, behind: 0 });
  expect(isAncestor(compacted, 'c', 'o')).toBe(true);
});

it('counts the versions only one side comes from', () => {
  const forked = history('r', 'o < r', 'o2 < o', 't < r', 'm < t o');
  expect(distance(forked, 'o2', 'm')).toEqual({ ahead: 2, behind: 1 });
});

describe('in any history', () => {
  const graph = fc
    .array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 1, maxLength: 14 })
    .map((rows) => rows.map((row, i) => (i === 0 ? [] : [...new Set(row.map((n) => n % i))])));
  const cases = fc.tuple(graph, fc.nat(), fc.nat());

  it('gives what the definition says: common, and no ancestor of another common one', () => {
    fc.assert(
      fc.property(cases, ([rows, x, y]) => {
        const [a, b] = [x % rows.length, y % rows.length];
        const known = history(...rows.map((row, i) => `${i}${row.length ? ` < ${row.join(' ')}` : ''}`));
        const comesFrom = (from: number, to: number): boolean =>
          from === to || rows[from]!.some((parent) => comesFrom(parent, to));
        const common = rows.map((_, i) => i).filter((i) => comesFrom(a, i) && comesFrom(b, i));
        const best = common.filter((i) => !common.some((j) => j !== i && comesFrom(j, i)));
        expect(bases(known, String(a), String(b))).toEqual(best.map(String).sort());
        expect(bases(known, String(b), String(a))).toEqual(bases(known, String(a), String(b)));
        expect(isAncestor(known, String(a), String(b))).toBe(comesFrom(b, a));
      }),
      { numRuns: 1_000 },
    );
  });
});
