import type * as ESTree from 'estree';
import type { CallFact, FunctionFact } from '../../contract/findings.ts';
import { sinkOf } from '../security/request-flows.ts';
import { complexities } from '../static/complexity.ts';
import { isQuery } from './data-access.ts';
import { handlersIn } from './handlers.ts';
import { dependsOnLoop, loopAround } from './loops.ts';
import { type CodeModule, parameterOf } from './module.ts';
import { refOf } from './references.ts';
import {
  ancestorsOf,
  dottedName,
  functionName,
  type FunctionNode,
  isFunction,
  lastName,
  type Node,
  parentOf,
  spanOf,
  unwrap,
} from './syntax.ts';
import { valuesIn } from './values.ts';

/** What is done at load time has this name. */
const MODULE_FUNCTION = '(module)';

const MAX_CALLS = 2_000;
/** A call holds the calls inside it: the whole of each would be the square of the text. */
const MAX_SNIPPET_CHARS = 300;

type Owned = FunctionFact & { node: Node };

/** The functions of a module that have a name or answer requests; what others do counts for the one around them. */
export function functionFacts(code: CodeModule): FunctionFact[] {
  const handlers = handlersIn(code);
  const counts = complexities(code);
  const facts = new Map<Node, Owned>();
  const program = code.nodes[0];
  if (program) facts.set(program, emptyFact(program, MODULE_FUNCTION));
  for (const node of code.nodes) {
    if (!isFunction(node) || (functionName(node) === '' && !handlers.has(node))) continue;
    const fact = emptyFact(node, functionName(node) || `(handler ${handlers.size})`);
    facts.set(node, {
      ...fact,
      is_async: node.async === true,
      is_handler: handlers.has(node),
      complexity: counts.get(node) ?? 1,
    });
  }
  for (const node of code.nodes) {
    if (node.type !== 'CallExpression' && node.type !== 'NewExpression') continue;
    const owner = ownerOf(node, facts);
    if (owner) noteCall(code, owner, node);
  }
  return [...facts.values()].map(({ node: _node, ...fact }) => fact);
}

function emptyFact(node: Node, name: string): Owned {
  const none = { calls: [], sync_calls: [], parameter_sinks: [] };
  return {
    node,
    name,
    span: spanOf(node),
    is_async: false,
    is_handler: false,
    complexity: 1,
    queries: false,
    ...none,
  };
}

function ownerOf(node: Node, facts: ReadonlyMap<Node, Owned>): Owned | undefined {
  for (const around of ancestorsOf(node)) {
    const fact = facts.get(around);
    if (fact) return fact;
    // A function that is given back or kept is called by somebody else, later.
    if (isFunction(around) && !/^(Call|New)Expression$/.test(parentOf(around)?.type ?? '')) return undefined;
  }
  return undefined;
}

function noteCall(
  code: CodeModule,
  owner: Owned,
  node: ESTree.SimpleCallExpression | ESTree.NewExpression,
): void {
  const name = lastName(node.callee);
  const snippet = snippetOf(code, node);
  if (isBlocking(name) && !isKept(code, node)) owner.sync_calls.push({ name, span: spanOf(node), snippet });
  if (node.type === 'CallExpression' && isQuery(node)) owner.queries = true;
  noteSinks(code, owner, node);
  const target = refOf(code, node.callee);
  if (!target || owner.calls.length >= MAX_CALLS || isPackage(target.specifier)) return;
  const loop = loopAround(code, node);
  owner.calls.push({
    target,
    span: spanOf(node),
    snippet,
    in_loop: loop !== undefined && dependsOnLoop(code, node, loop),
    use: useOf(node),
    flows: flowsOf(code, owner, node),
  });
}

function snippetOf(code: CodeModule, node: Node): string {
  return code
    .textOf(node)
    .slice(0, 10 * MAX_SNIPPET_CHARS)
    .replace(/\s+/g, '')
    .slice(0, MAX_SNIPPET_CHARS);
}

function isPackage(specifier: string | null): boolean {
  return specifier !== null && !/^([./]|[@~]\/|src\/|#)/.test(specifier);
}

const BLOCKING =
  /^(exec|execFile|spawn|read\w*|write\w*|append\w*|unlink|rm|mkdir|readdir|stat|lstat|copyFile|cp|rename|open|close|access|pbkdf2|scrypt|hkdf|randomFill|generateKeyPair|gzip|gunzip|deflate|inflate|brotli\w+|unzip|hash|compare|genSalt)Sync$/;

function isBlocking(name: string): boolean {
  return BLOCKING.test(name);
}

/** What is read once and kept in a variable of the module blocks one request only. */
function isKept(code: CodeModule, node: Node): boolean {
  for (const around of ancestorsOf(node)) {
    if (isFunction(around)) return false;
    if (around.type === 'AssignmentExpression')
      return code.variableOf(around.left)?.scope.block.type === 'Program';
  }
  return false;
}

function noteSinks(
  code: CodeModule,
  owner: Owned,
  node: ESTree.SimpleCallExpression | ESTree.NewExpression,
): void {
  const sink = sinkOf(node);
  if (!sink || !isFunction(owner.node)) return;
  for (const parameter of parametersIn(code, owner.node, sink.arguments))
    owner.parameter_sinks.push({
      parameter,
      rule_id: sink.rule.rule_id,
      span: spanOf(node),
      snippet: snippetOf(code, node),
    });
}

function parametersIn(code: CodeModule, owner: FunctionNode, nodes: readonly Node[]): number[] {
  const { origins } = valuesIn(code);
  const found = nodes.flatMap((node) => [...origins(node)]);
  const indexes = found.flatMap((origin) => {
    const parameter = origin === 'request' ? undefined : parameterOf(origin);
    return parameter?.function_node === owner ? [parameter.index] : [];
  });
  return [...new Set(indexes)];
}

function flowsOf(
  code: CodeModule,
  owner: Owned,
  node: ESTree.SimpleCallExpression | ESTree.NewExpression,
): CallFact['flows'] {
  const { isFromRequest } = valuesIn(code);
  return node.arguments.flatMap((one, argument): CallFact['flows'] => {
    if (isFromRequest(one)) return [{ argument, from: 'request' }];
    const parameters = isFunction(owner.node) ? parametersIn(code, owner.node, [one]) : [];
    return parameters.map((from) => ({ argument, from }));
  });
}

/** What becomes of a call's result. */
function useOf(node: Node): CallFact['use'] {
  let at = node;
  let parent = parentOf(at);
  while (parent && unwrap(parent) !== parent) [at, parent] = [parent, parentOf(parent)];
  switch (parent?.type) {
    case 'AwaitExpression':
      return 'awaited';
    case 'ExpressionStatement':
      return 'floating';
    case 'IfStatement':
    case 'WhileStatement':
    case 'ConditionalExpression':
      return parent.test === at ? 'value' : 'passed';
    case 'BinaryExpression':
      return parent.operator === 'instanceof' ? 'passed' : 'value';
    case 'UnaryExpression':
      return parent.operator === 'void' ? 'passed' : 'value';
    case 'TemplateLiteral':
    case 'SpreadElement':
      return 'value';
    case 'LogicalExpression':
      return parent.operator === '??' || parent.right === at ? 'passed' : 'value';
    case 'MemberExpression':
      return parent.object === at &&
        !/^(then|catch|finally)$/.test(dottedName(parent).split('.').at(-1) ?? '')
        ? 'value'
        : 'passed';
    default:
      return 'passed';
  }
}
