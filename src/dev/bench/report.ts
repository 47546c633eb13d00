import type { Row, Target } from './rows.ts';
import type { Spread } from './stats.ts';

const HEADER = ['what', 'ours', 'reference', 'ratio', 'target', 'met?'];

/** The table for people: medians, with smallest and largest in parentheses; the notes stand below it. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEADER, ...rows.map(cellsOf)];
  const widths = HEADER.map((_, column) =>
    Math.max(...lines.map((line) => [...(line[column] ?? '')].length)),
  );
  const text = lines.map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('-|-');
  return [text[0], rule, ...text.slice(1), '', ...notesOf(rows)].join('\n');
}

function cellsOf(row: Row, index: number): string[] {
  const { name, unit, ours, reference, ratio, difference, against, target, met } = row;
  const mark = row.note ? ` [${index + 1}]` : '';
  const compared =
    target?.of === 'difference' && difference
      ? `${signed(difference.median)} ${unit}`
      : ratio
        ? between(ratio)
        : '';
  return [
    `${name}${mark}`,
    `${between(ours)} ${unit}`,
    reference ? `${between(reference)}, ${against ?? ''}` : '',
    compared,
    target ? targetText(target, unit) : '',
    met === undefined ? '' : met ? 'yes' : 'NO',
  ];
}

function notesOf(rows: readonly Row[]): string[] {
  return rows.flatMap(({ note }, index) => (note ? [`[${index + 1}] ${note}`] : []));
}

function targetText({ of, at_least, at_most }: Target, unit: string): string {
  const [sign, bound] = at_least === undefined ? ['≤', at_most ?? NaN] : ['≥', at_least];
  if (of === 'ratio') return `${sign} ${bound} ×`;
  return `${sign} ${of === 'difference' ? '+' : ''}${bound} ${unit}`;
}

function between({ median, min, max }: Spread): string {
  return min === max ? figure(median) : `${figure(median)} (${figure(min)}–${figure(max)})`;
}

const signed = (value: number) => `${value < 0 ? '−' : '+'}${figure(Math.abs(value))}`;

/** Three significant digits, and no exponent. */
function figure(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

const pad = (cell: string, width: number) => cell + ' '.repeat(width - [...cell].length);
