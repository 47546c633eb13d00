import fc from 'fast-check';
import type { Hunk, HunkLine } from '../../../contract/source-repository.ts';
import type { ReviewFile } from './changes.ts';
import { chunkDiff, type DiffChunk } from './diff-chunks.ts';

function fileOf(path: string, lines: HunkLine[]): ReviewFile {
  const new_lines = lines.filter(({ kind }) => kind !== 'removed').length;
  const hunk: Hunk = { old_start: 1, old_lines: lines.length - new_lines, new_start: 1, new_lines, lines };
  let number = 0;
  const added_lines = lines.flatMap(({ kind }) => {
    if (kind !== 'removed') number += 1;
    return kind === 'added' ? [number] : [];
  });
  return { path, old_path: path, status: 'modified', cas_id: '', text: '', added_lines, hunks: [hunk] };
}
const added = (text: string): HunkLine => ({ kind: 'added', text });
const linesOf = (chunks: DiffChunk[]) =>
  chunks.flatMap((chunk) =>
    [...chunk.added].flatMap(([path, lines]) => [...lines].map((n) => `${path}:${n}`)),
  );

const line = fc.record({
  kind: fc.constantFrom('added' as const, 'removed' as const, 'context' as const),
  text: fc.string({ maxLength: 80 }),
});
const files = fc
  .array(fc.array(line, { minLength: 1, maxLength: 40 }), { maxLength: 5 })
  .map((all) => all.map((lines, i) => fileOf(`src/${i}.js`, lines)));

test('each added line is in one chunk or counted as left out, and no chunk is over the budget', () => {
  fc.assert(
    fc.property(
      files,
      fc.integer({ min: 250, max: 900 }),
      fc.integer({ min: 1, max: 8 }),
      (all, tokens, most) => {
        const { chunks, lines_left_out } = chunkDiff(all, { tokens, chunks: most });
        const wanted = all.flatMap(({ path, added_lines }) => added_lines.map((n) => `${path}:${n}`));
        const shown = linesOf(chunks);
        expect(shown).toEqual(wanted.filter((one) => shown.includes(one)));
        expect(shown.length + lines_left_out).toBe(wanted.length);
        expect(chunks.length).toBeLessThanOrEqual(most);
        for (const { parts } of chunks)
          expect(Buffer.byteLength(JSON.stringify(parts)) / 3).toBeLessThanOrEqual(tokens);
        for (const chunk of chunks) expect(chunk.tokens).toBeLessThanOrEqual(tokens);
      },
    ),
  );
});

test('a line is shown with its number in head, and what was removed without one', () => {
  const lines: HunkLine[] = [{ kind: 'context', text: 'a' }, { kind: 'removed', text: 'b' }, added('c')];
  const { chunks } = chunkDiff([fileOf('x', lines)], { tokens: 500, chunks: 1 });
  expect(chunks.map(({ parts }) => parts)).toEqual([[{ path: 'x', lines: [' 1| a', '-| b', '+2| c'] }]]);
});

test('a change that only removes is not asked about', () => {
  const { chunks } = chunkDiff([fileOf('x', [{ kind: 'removed', text: 'b' }])], { tokens: 500, chunks: 1 });
  expect(chunks).toEqual([]);
});

test('a very long line is cut', () => {
  const { chunks } = chunkDiff([fileOf('x', [added('y'.repeat(100_000))])], { tokens: 500, chunks: 1 });
  expect(chunks[0]!.tokens).toBeLessThanOrEqual(500);
  expect([...chunks[0]!.added.get('x')!]).toEqual([1]);
});
