import type { CodeRule } from '../javascript/code-rule.ts';
import { isQuery } from '../javascript/data-access.ts';
import { dependsOnLoop, loopAround } from '../javascript/loops.ts';
import { dottedName } from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';

export const N_PLUS_ONE = ownRule('performance', 'n-plus-one', 'warning', {
  cwe: 'CWE-1073',
  help: 'Ask once for all of them: a join, `= ANY($1)`, or a call that takes a list.',
});

/** Queries in a loop over items; those behind another function are found by the whole tree's calls. */
export const queryRule: CodeRule = {
  rules: [N_PLUS_ONE],
  create: (code, report) => ({
    CallExpression(node) {
      if (!isQuery(node)) return;
      const loop = loopAround(code, node);
      if (loop && dependsOnLoop(code, node, loop))
        report(N_PLUS_ONE, node, `${dottedName(node.callee)} is called once for each item.`);
    },
  }),
};
