import type * as ESTree from 'estree';
import type { CodeRule } from '../javascript/code-rule.ts';
import type { CodeModule } from '../javascript/module.ts';
import {
  dottedName,
  isFunction,
  lastName,
  memberName,
  type Node,
  parentOf,
  unwrap,
} from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';

const OFF_BY_ONE = ownRule('static', 'off-by-one', 'error', {
  help: 'The last index is one less than the length.',
});
const SAME_OPERANDS = ownRule('static', 'same-operands', 'error', {
  help: 'One side was meant to be something else.',
});
const SAME_BRANCHES = ownRule('static', 'same-branches', 'warning', {
  help: 'Both ways do the same; one was meant to differ.',
});
const UNUSED_RESULT = ownRule('static', 'unused-result', 'error', {
  help: 'The method gives a new value and leaves the old one as it is.',
});
const INDEX_AS_TRUTH = ownRule('static', 'index-as-truth', 'error', {
  help: 'Compare with -1, or use includes.',
});
const NUMBER_SORT = ownRule('static', 'sort-as-text', 'error', {
  help: 'Give sort a comparison: (a, b) => a - b.',
});
const EMPTY_LENGTH = ownRule('static', 'length-never-negative', 'error', {
  help: 'Compare with 0 by > or ===.',
});

const GIVES_NEW =
  /^(trim|trimStart|trimEnd|toUpperCase|toLowerCase|padStart|padEnd|replaceAll|substring|substr|slice|concat|toFixed|toSorted|toReversed|filter|flat)$/;
const NUMBERS =
  /^(prices|amounts|totals|numbers|nums|scores|counts|ages|sizes|years|weights|quantities|durations|latencies|timings|times|timestamps)$/i;

export const slipRule: CodeRule = {
  rules: [OFF_BY_ONE, SAME_OPERANDS, SAME_BRANCHES, UNUSED_RESULT, INDEX_AS_TRUTH, NUMBER_SORT, EMPTY_LENGTH],
  create(code, report) {
    return {
      ForStatement(node) {
        const over = lengthBound(node);
        if (over && indexes(code, node, over))
          report(OFF_BY_ONE, node.test ?? node, 'The loop goes one past the end.');
      },
      LogicalExpression(node) {
        if (sameText(code, node.left, node.right)) report(SAME_OPERANDS, node, 'Both sides are the same.');
      },
      BinaryExpression(node) {
        if (/^[-/%]$/.test(node.operator) && sameText(code, node.left, node.right))
          report(SAME_OPERANDS, node, 'Both sides are the same.');
        if (isIndexOf(node.left) && /^(>)$/.test(node.operator) && isZero(node.right))
          report(INDEX_AS_TRUTH, node, 'What stands first, at 0, is not found.');
        if (isLength(node.left) && /^(<|>=)$/.test(node.operator) && isZero(node.right))
          report(EMPTY_LENGTH, node, 'A length is never negative.');
      },
      IfStatement(node) {
        if (node.alternate && sameText(code, node.consequent, node.alternate))
          report(SAME_BRANCHES, node, 'Both branches are the same.', code.textOf(node.test));
        if (isIndexOf(node.test))
          report(
            INDEX_AS_TRUTH,
            node.test,
            'An index is true when nothing is found, and false when it comes first.',
          );
      },
      ConditionalExpression(node) {
        if (sameText(code, node.consequent, node.alternate))
          report(SAME_BRANCHES, node, 'Both branches are the same.');
        if (isIndexOf(node.test))
          report(
            INDEX_AS_TRUTH,
            node.test,
            'An index is true when nothing is found, and false when it comes first.',
          );
      },
      UnaryExpression(node) {
        if (node.operator === '!' && isIndexOf(node.argument))
          report(INDEX_AS_TRUTH, node, 'An index is false only when it is 0.');
      },
      CallExpression(node) {
        const callee = unwrap(node.callee);
        const is_statement = parentOf(node)?.type === 'ExpressionStatement';
        if (callee.type !== 'MemberExpression') return;
        const name = lastName(callee);
        if (is_statement && (GIVES_NEW.test(name) || isTextReplace(node, name)))
          report(UNUSED_RESULT, node, `${name} changes nothing; what it gives is thrown away.`);
        if (
          /^(sort|toSorted)$/.test(name) &&
          node.arguments.length === 0 &&
          holdsNumbers(code, callee.object)
        )
          report(NUMBER_SORT, node, 'Without a comparison, numbers are sorted as text: 10 comes before 9.');
      },
    };
  },
};

/** What `for (…; i <= xs.length; …)` goes through. */
function lengthBound(node: ESTree.ForStatement): { list: string; index: string } | undefined {
  const test = node.test;
  if (test?.type !== 'BinaryExpression' || test.operator !== '<=' || !isLength(test.right)) return undefined;
  const length = unwrap(test.right);
  if (length.type !== 'MemberExpression' || test.left.type !== 'Identifier') return undefined;
  return { list: dottedName(length.object), index: test.left.name };
}

function indexes(
  code: CodeModule,
  loop: ESTree.ForStatement,
  { list, index }: { list: string; index: string },
): boolean {
  return code
    .within(loop.body)
    .some(
      (one) =>
        one.type === 'MemberExpression' &&
        one.computed &&
        dottedName(one.object) === list &&
        lastName(one.property) === index,
    );
}

function sameText(code: CodeModule, one: Node, other: Node): boolean {
  const [text, same] = [code.textOf(one), code.textOf(other)];
  if (text !== same || text.replace(/[{}\s;]/g, '') === '') return false;
  // What counts, or draws lots, is another value the second time.
  return !/\+\+|--|\bawait\b|\.(next|shift|pop|random|now|read\w*)\(/.test(text) && !/^[\d'"`]/.test(text);
}

function isIndexOf(node: Node): boolean {
  const at = unwrap(node);
  return (
    (at.type === 'CallExpression' && /^(last)?indexOf$/i.test(lastName(at.callee))) ||
    (at.type === 'CallExpression' && /^find(Last)?Index$/.test(lastName(at.callee)))
  );
}

function isLength(node: Node): boolean {
  const at = unwrap(node);
  return at.type === 'MemberExpression' && memberName(at) === 'length';
}

function isZero(node: Node): boolean {
  return node.type === 'Literal' && node.value === 0;
}

function isTextReplace(node: ESTree.SimpleCallExpression, name: string): boolean {
  if (name !== 'replace' || node.arguments.length !== 2) return false;
  const [pattern] = node.arguments;
  return pattern?.type === 'Literal' && ('regex' in pattern || typeof pattern.value === 'string');
}

function holdsNumbers(code: CodeModule, node: Node): boolean {
  const at = unwrap(node);
  if (at.type === 'ArrayExpression')
    return at.elements.length > 0 && at.elements.every((one) => one !== null && isNumber(one));
  if (at.type === 'Identifier') return NUMBERS.test(at.name);
  if (at.type === 'MemberExpression') return NUMBERS.test(lastName(at));
  if (at.type !== 'CallExpression' || lastName(at.callee) !== 'map') return false;
  const [callback] = at.arguments;
  if (callback?.type === 'Identifier') return /^(Number|parseFloat)$/.test(callback.name);
  return isFunction(callback) && callback.body.type !== 'BlockStatement' && givesNumber(callback.body);
}

function isNumber(node: Node): boolean {
  return node.type === 'SpreadElement'
    ? NUMBERS.test(lastName(node.argument))
    : node.type === 'Literal' && typeof node.value === 'number';
}

function givesNumber(node: Node): boolean {
  const at = unwrap(node);
  if (at.type === 'CallExpression') return /^(Number|parseInt|parseFloat|getTime)$/.test(lastName(at.callee));
  return at.type === 'MemberExpression' && (memberName(at) === 'length' || NUMBERS.test(`${lastName(at)}s`));
}
