import { type Document, isMap, isNode, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';

/** Counted from 1. */
export interface TextPlace {
  line: number;
  column: number;
}

/** Where a JSON Pointer leads in a YAML or JSON text: its key or item, or the last one on the way that is there. */
export function placeOf(document: Document, counter: LineCounter, pointer: string): TextPlace {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const token of tokensOf(pointer)) {
    const step = stepInto(node, token);
    if (!step) break;
    offset = offsetOf(step.at) ?? offset;
    node = step.value;
  }
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

const tokensOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

function stepInto(node: unknown, token: string): { at: unknown; value: unknown } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(token)];
    return item === undefined ? undefined : { at: item, value: item };
  }
  const pair = isMap(node) ? node.items.find((one) => keyOf(one) === token) : undefined;
  return pair && { at: pair.key, value: pair.value };
}

const keyOf = ({ key }: Pair): unknown => (isScalar(key) ? String(key.value) : undefined);

const offsetOf = (node: unknown): number | undefined =>
  isNode(node) ? (node as Node).range?.[0] : undefined;
