import type * as ESTree from 'estree';
import { isConstantIn } from './constants.ts';
import type { CodeModule } from './module.ts';
import { type Origins, originsIn } from './origins.ts';
import type { Node } from './syntax.ts';

export interface Values {
  /** It is the program's own text, or a number. */
  isConstant: (node: Node) => boolean;
  origins: Origins;
  /** Text of a request is in it. */
  isFromRequest: (node: Node) => boolean;
}

const known = new WeakMap<CodeModule, Values>();

/** What is known of the values in a module; made once for all rules. */
export function valuesIn(code: CodeModule): Values {
  const before = known.get(code);
  if (before) return before;
  const origins = originsIn(code);
  const values = {
    isConstant: isConstantIn(code),
    origins,
    isFromRequest: (node: Node) => origins(node).has('request'),
  };
  known.set(code, values);
  return values;
}

/** The text of a template or a sum, with U+0000 where values go in; undefined for anything else. */
export function composedText(node: Node, depth = 0): { text: string; values: Node[] } | undefined {
  if (node.type === 'TemplateLiteral') {
    const text = node.quasis.map(({ value }) => value.cooked ?? value.raw).join('\0');
    return { text, values: node.expressions };
  }
  if (node.type === 'Literal' && typeof node.value === 'string') return { text: node.value, values: [] };
  if (node.type !== 'BinaryExpression' || node.operator !== '+' || depth > 200) return undefined;
  const sides = [node.left as ESTree.Expression, node.right].map(
    (side) => composedText(side, depth + 1) ?? { text: '\0', values: [side] },
  );
  return {
    text: sides.map((side) => side.text).join(''),
    values: sides.flatMap((side): Node[] => side.values),
  };
}
