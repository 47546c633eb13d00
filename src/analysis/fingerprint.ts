import { createHash } from 'node:crypto';
import type { Finding } from '../contract/findings.ts';
import type { RuleHit } from './rule-hit.ts';

const MAX_SNIPPET_CHARS = 2_000;

/**
 * Findings of one file, in order of place. A fingerprint is made of the rule, the function around the finding, the text it is about
 * without any white space, and its number among those that are equal so far. Not of lines, nor of the path: what moves, is
 * indented anew or renamed is still the same finding.
 */
export function toFindings(path: string, hits: readonly RuleHit[]): Finding[] {
  const ordered = [...hits].sort(byPlace);
  const seen = new Map<string, number>();
  return ordered.map(({ rule, message, span, symbol, snippet, tool }) => {
    const key = [rule.rule_id, symbol, withoutBlanks(snippet)].join('\n');
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    return { ...rule, message, path, ...span, tool, fingerprint: digest(`${key}\n${nth}`) };
  });
}

/**
 * Tells apart equal findings of different files, such as copies: the first in order of path keeps its fingerprint, each
 * further one gets one that counts it. The path is only the order, so a renamed file changes no set of fingerprints.
 */
export function separateFingerprints(findings: readonly Finding[]): Finding[] {
  const seen = new Map<string, number>();
  return [...findings].sort(byPath).map((finding) => {
    const nth = seen.get(finding.fingerprint) ?? 0;
    seen.set(finding.fingerprint, nth + 1);
    return nth === 0 ? finding : { ...finding, fingerprint: digest(`${finding.fingerprint}\n${nth}`) };
  });
}

/** The second bound only keeps long nodes from being copied whole. */
function withoutBlanks(snippet: string): string {
  return snippet
    .slice(0, 4 * MAX_SNIPPET_CHARS)
    .replace(/\s+/g, '')
    .slice(0, MAX_SNIPPET_CHARS);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function byPlace(a: RuleHit, b: RuleHit): number {
  return (
    a.span.line - b.span.line || a.span.column - b.span.column || compare(a.rule.rule_id, b.rule.rule_id)
  );
}

function byPath(a: Finding, b: Finding): number {
  return compare(a.path, b.path) || a.line - b.line || a.column - b.column || compare(a.rule_id, b.rule_id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
