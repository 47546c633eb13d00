import type { AnalysisCounts, Finding } from '../../contract/findings.ts';
import type { Trends } from '../trends.ts';

/** What a readable report tells. */
export interface ReportContent {
  title: string;
  /** Commit, tag or upload that was analysed. */
  revision?: string;
  score: number;
  /** Of the run before. */
  previous_score?: number;
  counts: AnalysisCounts;
  trends: Trends;
  /** Analysers that did not run, and why. */
  problems?: readonly { area: string; message: string }[];
}

/** A report names at most so many findings of each sort; the SARIF file has all. */
export const MAX_LISTED = 500;

const RANK = { error: 0, warning: 1, note: 2 } as const;

/** The worst first, then by place. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      RANK[a.severity] - RANK[b.severity] || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line),
  );
}

/** `+1.5`, `−2`, `±0` against the run before; empty without one. */
export function scoreChange({ score, previous_score }: ReportContent): string {
  if (previous_score === undefined) return '';
  const change = Math.round((score - previous_score) * 10) / 10;
  return change > 0 ? `+${change}` : change < 0 ? `−${-change}` : '±0';
}
