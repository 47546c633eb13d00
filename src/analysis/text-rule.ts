import type { FindingRule } from '../contract/findings.ts';
import { OWN_TOOL, type RuleHit } from './rule-hit.ts';

/** One statement of a script: it may take several lines. */
export interface ScriptLine {
  text: string;
  /** Of its first line, from 1. */
  line: number;
  indent: number;
  /** The function it stands in; empty outside. */
  symbol: string;
}

/** A rule that reads one statement at a time. */
export interface LineRule {
  rule: FindingRule;
  message: string;
  finds(line: ScriptLine): boolean;
}

/** The statements that rules find fault with. */
export function runLineRules(lines: readonly ScriptLine[], rules: readonly LineRule[]): RuleHit[] {
  return lines.flatMap((line) => rules.filter((one) => one.finds(line)).map((one) => lineHit(one, line)));
}

/** A hit at a whole statement. */
export function lineHit({ rule, message }: { rule: FindingRule; message: string }, at: ScriptLine): RuleHit {
  const rows = at.text.split('\n');
  const span = {
    line: at.line,
    column: at.indent + 1,
    end_line: at.line + rows.length - 1,
    end_column: (rows.at(-1)?.length ?? 0) + 1,
  };
  return { rule, message, span, symbol: at.symbol, snippet: at.text, tool: OWN_TOOL };
}
