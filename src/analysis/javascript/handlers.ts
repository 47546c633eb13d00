import type * as ESTree from 'estree';
import { type CodeModule, functionOf } from './module.ts';
import { dottedName, type FunctionNode, isFunction, lastName, type Node, unwrap } from './syntax.ts';

const REGISTERS =
  /^(get|post|put|patch|delete|all|use|route|on|head|options|handle|createServer|fetch|register)$/;
const ROUTERS = /(app|router|routes?|server|api|fastify|http|https|koa|hono)$/i;

/** Functions that are called once for each request: by their parameters, or because a router is given them. */
export function handlersIn(code: CodeModule): ReadonlySet<Node> {
  const handlers = new Set<Node>();
  for (const node of code.nodes) {
    if (isFunction(node) && takesRequest(node)) handlers.add(node);
    if (node.type === 'CallExpression' && isRegistration(node))
      for (const argument of node.arguments) addHandler(code, argument, handlers);
  }
  return handlers;
}

function takesRequest(node: FunctionNode): boolean {
  const [first, second, third] = node.params.map((one) => (one.type === 'Identifier' ? one.name : ''));
  if (/^_?err(or)?$/.test(first ?? '')) return /^_?req(uest)?$/.test(second ?? '') && third !== undefined;
  if (/^(ctx|context)$/.test(first ?? '')) return /^next$/.test(second ?? '');
  const first_is_request = /^_?req(uest)?$/.test(first ?? '') || node.params[0]?.type === 'ObjectPattern';
  return first_is_request && /^_?(res|response|reply)$/.test(second ?? '');
}

function isRegistration(call: ESTree.SimpleCallExpression): boolean {
  const callee = unwrap(call.callee);
  if (callee.type === 'Identifier') return callee.name === 'createServer';
  if (callee.type !== 'MemberExpression' || !REGISTERS.test(lastName(callee))) return false;
  return ROUTERS.test(dottedName(callee.object).replace(/\(\)/g, ''));
}

function addHandler(code: CodeModule, argument: Node, handlers: Set<Node>): void {
  const at = unwrap(argument);
  if (isFunction(at)) handlers.add(at);
  if (at.type === 'CallExpression') for (const inner of at.arguments) addInline(inner, handlers);
  const named = at.type === 'Identifier' ? functionOf(code.variableOf(at)) : undefined;
  if (isFunction(named)) handlers.add(named);
}

/** `router.get('/', wrap(async (request) => …))`. */
function addInline(node: Node, handlers: Set<Node>): void {
  if (isFunction(node)) handlers.add(node);
}
