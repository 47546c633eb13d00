import type { Finding } from '../../../contract/findings.ts';

/** A longer stretch of code is not what a change of one of its lines is about. */
const STATEMENT_LINES = 10;

/**
 * The findings that begin on an added line, and those of short statements that have one, which are then said of the first such line.
 * `added` has the added lines of each path.
 */
export function onChangedLines(
  findings: readonly Finding[],
  added: ReadonlyMap<string, ReadonlySet<number>>,
): Finding[] {
  return findings.flatMap((finding) => {
    const line = changedLineOf(finding, added.get(finding.path) ?? new Set());
    if (line === undefined) return [];
    return [line === finding.line ? finding : { ...finding, line, column: 1 }];
  });
}

function changedLineOf({ line, end_line }: Finding, added: ReadonlySet<number>): number | undefined {
  if (added.has(line)) return line;
  if (end_line - line >= STATEMENT_LINES) return undefined;
  for (let at = line + 1; at <= end_line; at += 1) if (added.has(at)) return at;
  return undefined;
}
