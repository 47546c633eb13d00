import { createHash } from 'node:crypto';
import type { Finding, FindingArea, FindingSeverity, SeverityCounts } from '../../../contract/findings.ts';
import type { AnchoredRemark } from './ai-remarks.ts';

/** One thing that a review says of one changed line. */
export interface ReviewComment {
  /** Stays while the line moves, so that a host is told once. */
  fingerprint: string;
  /** Who says so: a rule, or a language model. */
  source: 'automated' | 'ai';
  /** Null for what a language model says, as is `rule_id`. */
  area: FindingArea | null;
  severity: FindingSeverity;
  path: string;
  line: number;
  message: string;
  rule_id: string | null;
  help: string | null;
}

const RANK: Readonly<Record<FindingSeverity, number>> = { error: 0, warning: 1, note: 2 };

/** Findings and remarks as comments, the worst first, then by place. */
export function commentsOf(
  findings: readonly Finding[],
  remarks: readonly AnchoredRemark[],
): ReviewComment[] {
  return [...findings.map(ofFinding), ...remarks.map(ofRemark)].sort(
    (a, b) =>
      RANK[a.severity] - RANK[b.severity] || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line),
  );
}

export function countComments(comments: readonly ReviewComment[]): SeverityCounts {
  const counts: SeverityCounts = { error: 0, warning: 0, note: 0 };
  for (const { severity } of comments) counts[severity] += 1;
  return counts;
}

/** A comment on a host belongs to a file: the same finding in a copy is another comment. */
function ofFinding(finding: Finding): ReviewComment {
  const { fingerprint, area, severity, path, line, message, rule_id, help } = finding;
  const own = createHash('sha256').update(`${path}\n${fingerprint}`).digest('hex').slice(0, 32);
  return {
    fingerprint: own,
    source: 'automated',
    area,
    severity,
    path,
    line,
    message,
    rule_id,
    help: help ?? null,
  };
}

const ofRemark = ({ fingerprint, severity, path, line, message }: AnchoredRemark): ReviewComment => ({
  fingerprint,
  source: 'ai',
  area: null,
  severity,
  path,
  line,
  message,
  rule_id: null,
  help: null,
});
