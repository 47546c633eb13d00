import type { CodeRule } from '../javascript/code-rule.ts';
import { dottedName, type Node, stringOf } from '../javascript/syntax.ts';
import { isExponential } from '../regex/ambiguity.ts';
import { ownRule } from '../rule-hit.ts';

const BACKTRACKING = ownRule('performance', 'catastrophic-regex', 'error', {
  cwe: 'CWE-1333',
  help: 'Make the parts of the loop unable to take the same text, or bound the length of the text first.',
});

export const patternRule: CodeRule = {
  rules: [BACKTRACKING],
  create(_code, report) {
    const check = (node: Node, pattern: string, flags: string): void => {
      if (isExponential(pattern, flags))
        report(BACKTRACKING, node, 'A text that almost fits takes time that doubles with each character.');
    };
    const checkCall = (node: Extract<Node, { type: 'CallExpression' | 'NewExpression' }>): void => {
      const pattern = stringOf(node.arguments[0]);
      if (/^(new )?RegExp(\(\))?$/.test(dottedName(node.callee)) && pattern !== undefined)
        check(node, pattern, stringOf(node.arguments[1]) ?? '');
    };
    return {
      Literal: (node) => 'regex' in node && check(node, node.regex.pattern, node.regex.flags),
      CallExpression: checkCall,
      NewExpression: checkCall,
    };
  },
};
