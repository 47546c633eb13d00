import type { Finding } from '../../contract/findings.ts';
import { isTestPath } from '../source-language.ts';

/** Who is believed first where several find the same; our own rules come before all of them. */
const ORDER = ['gitleaks', 'bandit', 'semgrep', 'ruff', 'lizard'];

/** Secrets that tests make up for themselves, by rule. */
const MADE_UP =
  /^(bandit\/B10[567]|gitleaks\/(generic-api-key|private-key|jwt|jwt-base64|curl-auth-user|curl-auth-header))$/;

/**
 * What programs of others find and our own rules do not: a finding is left out where one of another tool is of the same kind and stands on
 * one of its lines, and where it is a secret that a test made up.
 */
export function withoutDoubles(own: readonly Finding[], others: readonly Finding[]): Finding[] {
  const taken = new Map<string, Finding[]>();
  for (const finding of own) keep(finding);
  const ranked = [...others].sort((a, b) => ORDER.indexOf(a.tool) - ORDER.indexOf(b.tool));
  return ranked.filter((finding) => {
    if (MADE_UP.test(finding.rule_id) && isTestPath(finding.path)) return false;
    const is_double = (taken.get(keyOf(finding)) ?? []).some(
      (other) => other.tool !== finding.tool && overlap(other, finding),
    );
    if (!is_double) keep(finding);
    return !is_double;
  });

  function keep(finding: Finding): void {
    const key = keyOf(finding);
    const list = taken.get(key);
    if (list) list.push(finding);
    else taken.set(key, [finding]);
  }
}

const keyOf = ({ path, kind }: Finding): string => `${kind}\n${path}`;

const overlap = (a: Finding, b: Finding): boolean => a.line <= b.end_line && b.line <= a.end_line;
