import { type CodeModule, onlyValueOf, parameterOf } from '../javascript/module.ts';
import { dottedName, lastName, type Node, unwrap } from '../javascript/syntax.ts';

const GIVES_LIST =
  /^(map|filter|flatMap|flat|slice|concat|split|keys|values|entries|from|of|sort|reverse|toSorted|match|all|find|findAll|findMany|query|rows)$/;
const PLURAL = /(s|List|Array|Set|Queue|Stack|seen|visited|found|rows|Ids)$/;
const NO_PLURAL =
  /(ss|us|is|as|url|address|text|str|string|name|class|status|alias|css|https|args|this|process)$/i;

/** Whether something is an array rather than a text, which has the same methods: by its value, else by its name. */
export function looksLikeList(code: CodeModule, node: Node): boolean {
  const at = unwrap(node);
  const variable = at.type === 'Identifier' ? code.variableOf(at) : undefined;
  const value = onlyValueOf(variable);
  if (value) return isList(value);
  if (variable && !parameterOf(variable) && variable.defs[0]?.type === 'Variable') {
    const first = variable.references.find((one) => one.init)?.writeExpr;
    if (first) return isList(first);
  }
  const name = lastName(at);
  return PLURAL.test(name) && !NO_PLURAL.test(name);
}

function isList(value: Node): boolean {
  const at = unwrap(value);
  if (at.type === 'AwaitExpression') return isList(at.argument);
  if (at.type === 'ArrayExpression') return true;
  if (at.type === 'NewExpression') return dottedName(at.callee) === 'Array';
  if (at.type === 'LogicalExpression') return isList(at.right) || isList(at.left);
  if (at.type === 'CallExpression') return GIVES_LIST.test(lastName(at.callee));
  return at.type === 'MemberExpression' && PLURAL.test(lastName(at)) && !NO_PLURAL.test(lastName(at));
}
