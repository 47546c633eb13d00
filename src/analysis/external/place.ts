import type { SourceSpan } from '../../contract/findings.ts';
import type { ToolHit } from './tool.ts';

/** Where a hit stands in a text, in UTF-16 units, and never outside of it. */
export function spanOf({ line, end_line, columns }: ToolHit, lines: readonly string[]): SourceSpan {
  const first = within(line, 1, lines.length);
  const last = within(end_line, first, lines.length);
  const [head, tail] = [lines[first - 1] ?? '', lines[last - 1] ?? ''];
  const indent = head.length - head.trimStart().length;
  const from = columns ? unitsOf(head, columns.from - 1, columns.unit) : indent;
  const to = columns && last === end_line ? unitsOf(tail, columns.to - 1, columns.unit) : tail.length;
  const end = first === last ? Math.max(from, to) : to;
  return { line: first, column: from + 1, end_line: last, end_column: end + 1 };
}

/** The text at a place; the whole line of an empty one. */
export function textAt(span: SourceSpan, lines: readonly string[]): string {
  const rows = lines.slice(span.line - 1, span.end_line);
  const last = rows.length - 1;
  const text = rows
    .map((row, index) =>
      row.slice(index === 0 ? span.column - 1 : 0, index === last ? span.end_column - 1 : undefined),
    )
    .join('\n');
  return text.trim() === '' ? (rows[0] ?? '') : text;
}

/** How many UTF-16 units the first `count` bytes or characters of a line are. */
function unitsOf(line: string, count: number, unit: 'byte' | 'character'): number {
  let [left, units] = [count, 0];
  for (const character of line) {
    if (left <= 0) break;
    left -= unit === 'byte' ? Buffer.byteLength(character) : 1;
    units += character.length;
  }
  return units;
}

function within(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
