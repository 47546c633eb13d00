import type { FindingArea, FindingRule, FindingSeverity, SourceSpan } from '../contract/findings.ts';

/** What a rule found, before it is a finding: without path and fingerprint. */
export interface RuleHit {
  rule: FindingRule;
  message: string;
  span: SourceSpan;
  /** Name of the function it stands in; empty at the top of a module. */
  symbol: string;
  /** What it is about, as text: of it the fingerprint is made. */
  snippet: string;
  tool: string;
}

export const OWN_TOOL = 'orchestrator';

/** A rule of our own; its id is `<area>/<kind>`. */
export function ownRule(
  area: FindingArea,
  kind: string,
  severity: FindingSeverity,
  more: { help: string; cwe?: string },
): FindingRule {
  return { rule_id: `${area}/${kind}`, area, kind, severity, ...more };
}
