import type { Roots } from '../contract/plan.ts';
import { LanguageFault } from './expression-error.ts';
import { EXPRESSION_LIMITS } from './limits.ts';
import { children } from './node.ts';
import type { Node } from './node.ts';

const LOOPS = new Set(['map', 'filter', 'all', 'exists', 'exists_one']);

/** Roots, and whether `always()` is called. */
export interface Reads {
  roots: Roots;
  always: boolean;
}

interface Walk {
  input: boolean;
  params: boolean;
  run: boolean;
  item: boolean;
  always: boolean;
  steps: Set<string>;
  secrets: Set<string>;
}

/** What an expression reads. Throws `LanguageFault` for loops nested too deep. */
export function readsOf(root: Node): Reads {
  const walk: Walk = {
    input: false,
    params: false,
    run: false,
    item: false,
    always: false,
    steps: new Set(),
    secrets: new Set(),
  };
  visit(root, { walk, bound: [], loops: 0, depth: 0 });
  const { always, steps, secrets, ...flags } = walk;
  return { roots: { ...flags, steps: [...steps].sort(), secrets: [...secrets].sort() }, always };
}

/** What all of them read together; nothing, for none. */
export function mergeRoots(all: readonly Roots[]): Roots {
  const union = (of: (roots: Roots) => string[]): string[] => [...new Set(all.flatMap(of))].sort();
  return {
    input: all.some((roots) => roots.input),
    params: all.some((roots) => roots.params),
    run: all.some((roots) => roots.run),
    item: all.some((roots) => roots.item),
    steps: union((roots) => roots.steps),
    secrets: union((roots) => roots.secrets),
  };
}

interface Place {
  walk: Walk;
  /** Loop and `cel.bind` variables, which hide ours. */
  bound: readonly string[];
  loops: number;
  depth: number;
}

function visit(node: Node, place: Place): void {
  if (++place.depth > EXPRESSION_LIMITS.tree_depth)
    throw new LanguageFault('the expression is nested too deep');
  look(node, place);
  place.depth--;
}

function look(node: Node, place: Place): void {
  const member = constantMember(node);
  if (member !== undefined && !place.bound.includes(member.of)) {
    if (member.of === 'steps') return void place.walk.steps.add(member.name);
    if (member.of === 'secrets') return void place.walk.secrets.add(member.name);
  }
  if (node.op === 'id') return void note(node.args as string, place);
  if (node.op === 'call' && (node.args as [string])[0] === 'always') place.walk.always = true;
  if (node.op === 'rcall' && visitBinding(node, place)) return;
  for (const child of children(node)) visit(child, place);
}

/** `steps.a` or `steps["a"]`, as far as the name is written out. */
function constantMember(node: Node): { of: string; name: string } | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [left, right] = node.args as [Node, string | Node];
  const name = typeof right === 'string' ? right : right.op === 'value' ? right.args : undefined;
  return left.op === 'id' && typeof name === 'string' ? { of: left.args as string, name } : undefined;
}

function note(name: string, { walk, bound }: Place): void {
  if (bound.includes(name)) return;
  if (name === 'steps') walk.steps.add('*');
  else if (name === 'secrets') walk.secrets.add('*');
  else if (name === 'input' || name === 'params' || name === 'run' || name === 'item') walk[name] = true;
}

/** Macros that bring a variable: only what is evaluated under it sees it. */
function visitBinding(node: Node, place: Place): boolean {
  const [name, receiver, args] = node.args as [string, Node, Node[]];
  const isLoop = LOOPS.has(name) && node.meta.alternate !== undefined;
  const isBind = name === 'bind' && node.meta.macro !== undefined;
  const variable = args[0];
  if ((!isLoop && !isBind) || variable?.op !== 'id') return false;
  const loops = place.loops + (isLoop ? 1 : 0);
  const most = EXPRESSION_LIMITS.nested_comprehensions;
  if (loops > most) throw new LanguageFault(`map, filter, all and exists are nested deeper than ${most}`);
  const inner = { ...place, loops, bound: [...place.bound, variable.args as string] };
  visit(receiver, place);
  if (isBind && args[1] !== undefined) visit(args[1], place);
  for (const arg of args.slice(isBind ? 2 : 1)) visit(arg, inner);
  return true;
}
