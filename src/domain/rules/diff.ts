import type { Json, JsonObject } from '../../contract/json.ts';
import { isEqualJson } from './json-patch-equal.ts';
import { PATCH_LIMITS } from './json-patch-limits.ts';
import { escapeToken } from './json-patch-pointer.ts';

export type DiffOperation =
  { op: 'add' | 'replace'; path: string; value: Json } | { op: 'remove'; path: string };

export interface DefinitionDiff {
  nodes: {
    added: string[];
    removed: string[];
    /** Pointers into the definition, one for each value that differs. */
    changed: { node: string; pointers: string[] }[];
  };
  /** A JSON Patch that turns the first definition into the second. */
  operations: DiffOperation[];
}

/** What turns one definition into another: by node, and as a JSON Patch that our own engine accepts. */
export function diffDefinitions(from: JsonObject, to: JsonObject): DefinitionDiff {
  const finest = diffJson(from, to);
  const before = nodesOf(from);
  const after = nodesOf(to);
  return {
    nodes: {
      added: Object.keys(after)
        .filter((id) => !Object.hasOwn(before, id))
        .sort(),
      removed: Object.keys(before)
        .filter((id) => !Object.hasOwn(after, id))
        .sort(),
      changed: changedNodes(
        finest,
        Object.keys(before)
          .filter((id) => Object.hasOwn(after, id))
          .sort(),
      ),
    },
    operations: isPatch(finest) ? finest : coarserDiff(from, to),
  };
}

const isPatch = (operations: readonly DiffOperation[]): boolean =>
  operations.length <= PATCH_LIMITS.operations;

/** As fine as a patch may be: members of nodes as a whole, or nodes, or members of the definition. */
function coarserDiff(from: JsonObject, to: JsonObject): DiffOperation[] {
  for (const levels of [3, 2, 1]) {
    const operations = diffJson(from, to, levels);
    if (isPatch(operations)) return operations;
  }
  return [{ op: 'replace', path: '', value: to }];
}

/**
 * A JSON Patch from one value to another that looks into at most so many levels, in time proportional to their size. Not
 * always the shortest: a list that changed in its middle is compared place by place, because the shortest edit of two
 * lists costs their product.
 */
export function diffJson(from: Json, to: Json, levels = Infinity): DiffOperation[] {
  const operations: DiffOperation[] = [];
  compare('', { from, to }, levels, operations);
  return operations;
}

interface Pair<T = Json> {
  from: T;
  to: T;
}

function compare(path: string, { from, to }: Pair, levels: number, out: DiffOperation[]): void {
  if (levels > 0 && Array.isArray(from) && Array.isArray(to))
    compareLists(path, { from, to }, levels - 1, out);
  else if (levels > 0 && isObject(from) && isObject(to)) compareObjects(path, { from, to }, levels - 1, out);
  else if (!isEqualJson(from, to)) out.push({ op: 'replace', path, value: to });
}

function compareObjects(
  path: string,
  { from, to }: Pair<JsonObject>,
  levels: number,
  out: DiffOperation[],
): void {
  for (const key of [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()) {
    const at = `${path}/${escapeToken(key)}`;
    if (!Object.hasOwn(to, key)) out.push({ op: 'remove', path: at });
    else if (!Object.hasOwn(from, key)) out.push({ op: 'add', path: at, value: to[key]! });
    else compare(at, { from: from[key]!, to: to[key]! }, levels, out);
  }
}

function compareLists(path: string, { from, to }: Pair<Json[]>, levels: number, out: DiffOperation[]): void {
  const [start, end] = equalEnds(from, to);
  const paired = Math.min(from.length, to.length) - end;
  for (let i = start; i < paired; i++) compare(`${path}/${i}`, { from: from[i]!, to: to[i]! }, levels, out);
  // From the back, so that the places before stay what they were.
  for (let i = from.length - end - 1; i >= paired; i--) out.push({ op: 'remove', path: `${path}/${i}` });
  for (let i = paired; i < to.length - end; i++) out.push({ op: 'add', path: `${path}/${i}`, value: to[i]! });
}

/** How many places are equal at the start, and then at the end. Lists of one length are compared by place anyway. */
function equalEnds(from: Json[], to: Json[]): [number, number] {
  if (from.length === to.length) return [0, 0];
  const shorter = Math.min(from.length, to.length);
  let start = 0;
  while (start < shorter && isEqualJson(from[start]!, to[start]!)) start++;
  let end = 0;
  while (end < shorter - start && isEqualJson(from[from.length - 1 - end]!, to[to.length - 1 - end]!)) end++;
  return [start, end];
}

function changedNodes(operations: DiffOperation[], common: string[]): DefinitionDiff['nodes']['changed'] {
  const pointers = new Map<string, string[]>(common.map((node) => [`/nodes/${escapeToken(node)}`, []]));
  for (const { path } of operations) {
    const inner = path.indexOf('/', '/nodes/'.length);
    pointers.get(inner < 0 ? path : path.slice(0, inner))?.push(path);
  }
  return common
    .map((node) => ({ node, pointers: pointers.get(`/nodes/${escapeToken(node)}`)! }))
    .filter((change) => change.pointers.length > 0);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const nodesOf = (definition: JsonObject): JsonObject =>
  isObject(definition) && isObject(definition['nodes']) ? definition['nodes'] : {};
