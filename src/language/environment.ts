import { Environment } from '@marcbachmann/cel-js';

import { registerDefault } from './default-macro.ts';
import { registerFunctions } from './functions.ts';
import { EXPRESSION_LIMITS } from './limits.ts';
import { registerOperators } from './operators.ts';

/** The names an expression may use. */
export const VARIABLES = ['input', 'params', 'steps', 'run', 'item', 'secrets'] as const;
export type Variable = (typeof VARIABLES)[number];

/** The one CEL environment of the language. Making one is expensive; programs are parsed from this one. */
export const environment = createEnvironment();

function createEnvironment(): Environment {
  const created = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: false,
    limits: {
      maxAstNodes: EXPRESSION_LIMITS.ast_nodes,
      maxDepth: EXPRESSION_LIMITS.depth,
      maxListElements: EXPRESSION_LIMITS.list_elements,
      maxMapEntries: EXPRESSION_LIMITS.list_elements,
      maxCallArguments: 32,
    },
  });
  for (const name of VARIABLES) created.registerVariable(name, 'dyn');
  registerOperators(created);
  registerFunctions(created);
  registerDefault(created);
  return created;
}
