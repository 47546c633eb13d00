import type * as ESTree from 'estree';
import { type CodeModule, onlyValueOf } from './module.ts';
import { ancestorsOf, isFunction, isInside, lastName, type Node, parentOf, unwrap } from './syntax.ts';

export interface ItemLoop {
  /** The statement, or the call of an array's method. */
  node: Node;
  /** What is done for each item. */
  body: Node;
  /** What is gone through. */
  over: Node | undefined;
}

const ITERATORS = /^(forEach|map|flatMap|filter|reduce|reduceRight|some|every|find|findIndex|findLast|sort)$/;
/** Loops over these make each call do more, rather than more calls; or do again what failed. */
const NOT_ITEMS = /batch|chunk|page|slice|partition|retr(y|ies)|attempt|shard|replica/i;
const FEW_ITEMS = 8;
const CONSTANT_NAME = /^[A-Z][A-Z0-9_]+$/;

/** The loop over items that a node is in, without leaving its function; callbacks of array methods count as loops. */
export function loopAround(code: CodeModule, node: Node): ItemLoop | undefined {
  let inner = node;
  for (const around of ancestorsOf(node)) {
    const loop = asLoop(around);
    if (loop && isInside(inner, loop.body) && !isShort(code, loop)) return loop;
    const is_callback = isFunction(around) && asLoopCall(parentOf(around))?.body === around;
    if (isFunction(around) && !is_callback) return undefined;
    inner = around;
  }
  return undefined;
}

/** The loop over items that a node is itself. */
export function asLoop(node: Node): ItemLoop | undefined {
  if (node.type === 'ForOfStatement')
    return node.await ? undefined : { node, body: node.body, over: node.right };
  if (node.type === 'ForInStatement') return { node, body: node.body, over: node.right };
  if (node.type === 'ForStatement') return countedLoop(node);
  return asLoopCall(node);
}

function asLoopCall(node: Node | undefined): ItemLoop | undefined {
  if (node?.type !== 'CallExpression') return undefined;
  const callee = unwrap(node.callee);
  const [callback] = node.arguments;
  if (callee.type !== 'MemberExpression' || !isFunction(callback) || !ITERATORS.test(lastName(callee)))
    return undefined;
  return { node, body: callback, over: callee.object };
}

/** `for (let i = 0; i < xs.length; i++)`; steps of more than one go through batches. */
function countedLoop(node: ESTree.ForStatement): ItemLoop | undefined {
  if (node.update?.type !== 'UpdateExpression' || node.test?.type !== 'BinaryExpression') return undefined;
  for (const side of [node.test.left as Node, node.test.right]) {
    const bound = unwrap(side);
    if (bound.type === 'MemberExpression' && lastName(bound) === 'length')
      return { node, body: node.body, over: bound.object };
  }
  return undefined;
}

/** Over a few items that are written out, over batches, or again until it works. */
function isShort(code: CodeModule, { over, node }: ItemLoop): boolean {
  if (!over) return true;
  const collection = unwrap(over);
  if (CONSTANT_NAME.test(lastName(collection))) return true;
  if (NOT_ITEMS.test(lastName(collection)) || NOT_ITEMS.test(itemName(node))) return true;
  const value = collection.type === 'Identifier' ? onlyValueOf(code.variableOf(collection)) : collection;
  return value?.type === 'ArrayExpression' && value.elements.length > 0 && isWrittenOut(value);
}

function isWrittenOut(array: ESTree.ArrayExpression): boolean {
  return array.elements.length <= FEW_ITEMS && array.elements.every((one) => one?.type !== 'SpreadElement');
}

function itemName(node: Node): string {
  if (node.type !== 'ForOfStatement') return '';
  const { left } = node;
  const target = left.type === 'VariableDeclaration' ? left.declarations[0]?.id : left;
  return target?.type === 'Identifier' ? target.name : '';
}

/** Whether a node uses something that is declared in the loop: its item, or what was made of it. */
export function dependsOnLoop(code: CodeModule, node: Node, loop: ItemLoop): boolean {
  return code
    .within(node)
    .some(
      (one) =>
        one.type === 'Identifier' &&
        code.variableOf(one)?.identifiers.some((id) => isInside(id, loop.node) && !isInside(id, node)) ===
          true,
    );
}
