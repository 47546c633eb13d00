import type { FileFacts, FindingArea, FindingRule, SourceFile } from '../../contract/findings.ts';
import { emptyFacts } from '../empty-facts.ts';
import { PERFORMANCE_RULES } from '../performance/code-rules.ts';
import { OWN_TOOL, ownRule, type RuleHit } from '../rule-hit.ts';
import { SECURITY_RULES } from '../security/code-rules.ts';
import { languageOf } from '../source-language.ts';
import { STATIC_RULES } from '../static/code-rules.ts';
import { runCodeRules } from './code-rule.ts';
import { coreSeverity } from './core-rules.ts';
import { codeFacts } from './facts.ts';
import type { CodeModule } from './module.ts';
import { parseCode } from './parse.ts';
import { enclosingFunction, isFunction, type Node, symbolOf } from './syntax.ts';

const SYNTAX_ERROR = ownRule('static', 'syntax-error', 'error', {
  help: 'As it is, the file cannot be run.',
});

const RULES_OF = { static: STATIC_RULES, security: SECURITY_RULES, performance: PERFORMANCE_RULES };

/** What is wrong with one JavaScript or TypeScript file, and what rules about the whole tree need of it. */
export function analyseCode(
  file: SourceFile,
  areas: ReadonlySet<FindingArea>,
): { hits: RuleHit[]; facts: FileFacts } {
  const with_core_rules = areas.has('static');
  const parsed = parseCode({ ...file, language: languageOf(file.path), with_core_rules });
  if ('problem' in parsed) {
    const hits = with_core_rules ? [syntaxError(parsed.problem)] : [];
    return { hits, facts: { ...emptyFacts(file), is_opaque: true } };
  }
  const { code } = parsed;
  // What only tests do is reached by nobody, and need not be fast.
  const own_areas = code.is_test ? (['static'] as const) : (['static', 'security', 'performance'] as const);
  const rules = own_areas.filter((area) => areas.has(area)).flatMap((area) => RULES_OF[area]);
  return { hits: [...coreHits(code), ...runCodeRules(code, rules)], facts: codeFacts(file, code) };
}

function coreHits(code: CodeModule): RuleHit[] {
  const functions = code.nodes.filter((node) => isFunction(node));
  return code.messages.flatMap((message) => {
    if (message.ruleId === null) return [];
    const { line, column, endLine = line, endColumn = column } = message;
    const span = { line, column, end_line: endLine, end_column: endColumn };
    const index = code.source.getIndexFromLoc({ line, column: Math.max(0, column - 1) });
    const end = code.source.getIndexFromLoc({ line: endLine, column: Math.max(0, endColumn - 1) });
    const snippet = code.source.text.slice(index, Math.max(end, index + 1));
    const symbol = symbolAt(functions, index);
    return [
      { rule: coreRule(message.ruleId), message: message.message, span, symbol, snippet, tool: 'eslint' },
    ];
  });
}

/** The names of the functions around a place; `functions` are in order of their starts. */
function symbolAt(functions: readonly Node[], index: number): string {
  let [from, to] = [0, functions.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((functions[middle]?.range?.[0] ?? 0) <= index) from = middle + 1;
    else to = middle;
  }
  let node = functions[from - 1];
  while (node && (node.range?.[1] ?? 0) <= index) node = enclosingFunction(node);
  return node ? symbolOf(node) : '';
}

function coreRule(name: string): FindingRule {
  const help = `https://eslint.org/docs/latest/rules/${name}`;
  return { rule_id: `eslint/${name}`, area: 'static', kind: name, severity: coreSeverity(name), help };
}

function syntaxError({ message, line, column }: { message: string; line: number; column: number }): RuleHit {
  const span = { line, column, end_line: line, end_column: column + 1 };
  return { rule: SYNTAX_ERROR, message, span, symbol: '', snippet: message, tool: OWN_TOOL };
}
