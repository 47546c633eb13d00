import { ownRule } from '../rule-hit.ts';
import type { CodeRule } from '../javascript/code-rule.ts';
import { type Node, parentOf, statementOf } from '../javascript/syntax.ts';
import { composedText, valuesIn } from '../javascript/values.ts';

export const SQL_INJECTION = ownRule('security', 'sql-injection', 'error', {
  cwe: 'CWE-89',
  help: 'Pass values as parameters of the query; take names of tables and columns from a list of your own.',
});

const STATEMENT =
  /^[\s(]*(select\b[^;]{1,400}\bfrom|insert\s+into|update\b[^;]{1,200}\bset|delete\s+from|drop\s+table|alter\s+table|create\s+table|truncate\s+table|replace\s+into|with\s+\w+\s+as\s*\()/i;
/** Pieces of a statement, which are put together elsewhere. */
const CLAUSE =
  /^\s*(WHERE|AND|OR|ORDER BY|GROUP BY|LIMIT|OFFSET|SET|VALUES|HAVING|IN\s*\(|(LEFT |INNER )?JOIN)\b/;
const MAX_CHARS = 5_000;

export const sqlRule: CodeRule = {
  rules: [SQL_INJECTION],
  create(code, report) {
    const { isConstant } = valuesIn(code);
    const check = (node: Node): void => {
      const composed = composedText(node);
      if (!composed || composed.values.length === 0 || isPartOfSum(node)) return;
      const text = composed.text.slice(0, MAX_CHARS);
      if (!isSql(text)) return;
      const parts = text.split('\0');
      const bad = composed.values.find((value, i) => !isBound(parts, i) && !isConstant(value));
      if (bad)
        report(
          SQL_INJECTION,
          node,
          `The value ${code.textOf(bad).slice(0, 60)} becomes part of an SQL statement.`,
        );
    };
    return {
      TemplateLiteral: (node) => parentOf(node)?.type !== 'TaggedTemplateExpression' && check(node),
      BinaryExpression: check,
      AssignmentExpression(node) {
        if (node.operator !== '+=' || isConstant(node.right)) return;
        const composed = composedText(node.right) ?? { text: '\0', values: [node.right] };
        if (composed.values.length > 0 && CLAUSE.test(composed.text))
          report(SQL_INJECTION, node.right, 'A value becomes part of an SQL statement.');
      },
    };
  },
};

/** A sentence begins with one capital; a statement with none or with many. */
function isSql(text: string): boolean {
  return CLAUSE.test(text) || (STATEMENT.test(text) && !/^[\s(]*[A-Z][a-z]/.test(text));
}

function isPartOfSum(node: Node): boolean {
  const parent = parentOf(node);
  if (parent?.type === 'BinaryExpression' && parent.operator === '+') return true;
  const statement = statementOf(node);
  return statement.type === 'ThrowStatement';
}

/** `$${n}` and `:${name}` are place-holders, not values. */
function isBound(parts: readonly string[], i: number): boolean {
  return /[$:@]$/.test(parts[i] ?? '');
}
