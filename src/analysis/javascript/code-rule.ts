import type { FindingRule } from '../../contract/findings.ts';
import { OWN_TOOL, type RuleHit } from '../rule-hit.ts';
import type { CodeModule } from './module.ts';
import { type Node, spanOf, symbolOf } from './syntax.ts';

export type Visitors = {
  [T in Node['type']]?: (node: Extract<Node, { type: T }>) => void;
};

/** Notes a finding at a node. `snippet` is what its fingerprint is made of, in place of the node's text. */
export type Report = (rule: FindingRule, node: Node, message: string, snippet?: string) => void;

export interface CodeRule {
  rules: readonly FindingRule[];
  /** What to look at in a module; called once for each. */
  create(code: CodeModule, report: Report): Visitors;
}

/** Runs rules over a module in one walk. A rule sees a node after the nodes around it. */
export function runCodeRules(code: CodeModule, rules: readonly CodeRule[]): RuleHit[] {
  const hits: RuleHit[] = [];
  const seen = new Set<string>();
  const report: Report = (rule, node, message, snippet = code.textOf(node)) => {
    const key = `${rule.rule_id}:${(node.range ?? []).join(':')}`;
    if (seen.has(key)) return;
    seen.add(key);
    hits.push({ rule, message, span: spanOf(node), symbol: symbolOf(node), snippet, tool: OWN_TOOL });
  };
  const handlers = new Map<string, ((node: Node) => void)[]>();
  for (const one of rules) {
    for (const [type, visit] of Object.entries(one.create(code, report))) {
      handlers.set(type, [...(handlers.get(type) ?? []), visit as (node: Node) => void]);
    }
  }
  for (const node of code.nodes) for (const visit of handlers.get(node.type) ?? []) visit(node);
  return hits;
}
