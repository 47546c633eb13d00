import fc from 'fast-check';
import { toolFindings } from './tool-findings.ts';
import { toolRule, type ToolHit } from './tool.ts';

const RULE = toolRule('ruff', 'F601', { area: 'static', kind: 'repeated', severity: 'warning' });
const hitAt = (hit: Partial<ToolHit>): ToolHit => ({
  ...{ file: 'f1.py', rule: RULE, message: 'm', line: 1, end_line: 1 },
  ...hit,
});
const messageOf = (message: string, text = 'x = 1\n') =>
  toolFindings('ruff', [hitAt({ message })], text)[0]?.message;

const PASSWORD = `Tr0ub4dor${'&3'}`;

test.each([
  ['Dictionary key literal `"abc"` repeated', 'Dictionary key literal `"…"` repeated'],
  ["Possible password: 'abc'", "Possible password: '…'"],
  ["Don't do `this`", "Don't do `this`"],
  ['two\nlines \u202Eand\u0000 more', 'two lines and more'],
  [`Use ${PASSWORD} less`, 'Use *** less'],
  ['x'.repeat(1_000), `${'x'.repeat(299)}…`],
])('a message %j says %j', (message, said) => {
  expect(messageOf(message, `password = '${PASSWORD}'\n`)).toBe(said);
});

test.each<[string, Partial<ToolHit>, object]>([
  ['bytes', { columns: { from: 7, to: 8, unit: 'byte' } }, { column: 6, end_column: 7 }],
  ['characters', { columns: { from: 6, to: 7, unit: 'character' } }, { column: 6, end_column: 7 }],
  [
    'a pair of UTF-16',
    { line: 2, end_line: 2, columns: { from: 2, to: 3, unit: 'character' } },
    { column: 3 },
  ],
  ['no columns', { line: 3, end_line: 3 }, { column: 3, end_column: 6 }],
  ['a line behind the end', { line: 90, end_line: 99 }, { line: 4, end_line: 4 }],
])('%s are columns of the text', (_what, hit, place) => {
  expect(toolFindings('ruff', [hitAt(hit)], "é = 'x'\n😀b\n  abc\n")).toMatchObject([place]);
});

test('a place is in the text, whatever a program says, and as many are told as anybody reads', () => {
  const place = fc.nat(50);
  const columns = fc.option(
    fc.record({ from: place, to: place, unit: fc.constantFrom('byte' as const, 'character' as const) }),
    { nil: undefined },
  );
  const hits = fc.array(fc.record({ line: place, end_line: place, columns }), { maxLength: 300 });
  fc.assert(
    fc.property(hits, fc.string({ unit: 'binary', maxLength: 60 }), (all, text) => {
      const lines = text.split('\n');
      const found = toolFindings('ruff', all.map(hitAt), text);
      expect(found).toHaveLength(Math.min(all.length, 200));
      for (const { line, column, end_line, end_column } of found) {
        expect(line >= 1 && line <= end_line && end_line <= lines.length).toBe(true);
        expect(column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1).toBe(true);
        expect(end_column >= 1 && end_column <= (lines[end_line - 1]?.length ?? 0) + 1).toBe(true);
        expect(line < end_line || column <= end_column).toBe(true);
      }
    }),
  );
});
