import type { CodeRule } from '../javascript/code-rule.ts';
import { isFunction, lastName, parentOf, unwrap } from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';

const ASYNC_CALLBACK = ownRule('static', 'async-callback', 'error', {
  help: 'Use for…of with await, or Promise.all over map.',
});
const UNHANDLED = ownRule('static', 'unhandled-rejection', 'warning', {
  help: 'End the chain with catch, or await it.',
});

const IGNORES_PROMISES = /^(forEach|filter|some|every|find|findIndex|findLast|sort|flatMap)$/;

export const promiseRule: CodeRule = {
  rules: [ASYNC_CALLBACK, UNHANDLED],
  create: (_code, report) => ({
    CallExpression(node) {
      const callee = unwrap(node.callee);
      const name = lastName(callee);
      if (callee.type !== 'MemberExpression') return;
      const [callback] = node.arguments;
      if (isFunction(callback) && callback.async && IGNORES_PROMISES.test(name))
        report(ASYNC_CALLBACK, node, `${name} does not wait for the promises that its callback gives.`);
      const is_statement = parentOf(node)?.type === 'ExpressionStatement';
      if (is_statement && name === 'then' && node.arguments.length === 1)
        report(UNHANDLED, node, 'Nobody takes the error when this promise fails.');
    },
  }),
};
