import {
  type AnalysisCounts,
  type FileFacts,
  type Finding,
  FINDING_AREAS,
  type SeverityCounts,
} from '../contract/findings.ts';

/** How much one finding weighs. */
const WEIGHTS: Readonly<SeverityCounts> = { error: 10, warning: 3, note: 1 };
/** A tree smaller than this counts as one of this size: one finding in ten lines is not a hundred in a thousand. */
const LEAST_LINES = 500;
/** The weight per 1,000 lines that halves the score. */
const HALF_AT = 50;

/** Totals of the findings, and of the files that were read; `skipped` are counts by reason. */
export function countFindings(
  findings: readonly Finding[],
  files: readonly Pick<FileFacts, 'lines'>[],
  skipped: Readonly<Record<string, number>> = {},
): AnalysisCounts {
  const areas = Object.fromEntries(
    FINDING_AREAS.map((area) => [area, bySeverity(findings.filter((one) => one.area === area))]),
  ) as AnalysisCounts['areas'];
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  return {
    ...bySeverity(findings),
    total: findings.length,
    areas,
    files: files.length,
    lines,
    skipped: { ...skipped },
  };
}

/**
 * From 100 (nothing found) towards 0: 100 · 50 / (50 + w), where w = (10 · errors + 3 · warnings + notes) per 1,000 lines, a tree of fewer
 * than 500 lines taken for 500. One decimal. Each finding lowers it, none brings it to 0 alone.
 */
export function scoreOf(counts: SeverityCounts & { lines: number }): number {
  const weight = counts.error * WEIGHTS.error + counts.warning * WEIGHTS.warning + counts.note * WEIGHTS.note;
  const density = (weight * 1_000) / Math.max(LEAST_LINES, counts.lines);
  return Math.round((1_000 * HALF_AT) / (HALF_AT + density)) / 10;
}

function bySeverity(findings: readonly Finding[]): SeverityCounts {
  const count = (severity: Finding['severity']): number =>
    findings.filter((one) => one.severity === severity).length;
  return { error: count('error'), warning: count('warning'), note: count('note') };
}
