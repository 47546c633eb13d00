/** Each node's predecessors, in document order. Names that are no node are passed over. */
export type Needs = ReadonlyMap<string, readonly string[]>;

/** Each node's successors, in document order. */
export function dependentsOf(needs: Needs): Map<string, string[]> {
  const dependents = new Map<string, string[]>([...needs.keys()].map((id) => [id, []]));
  for (const [id, before] of needs) for (const need of new Set(before)) dependents.get(need)?.push(id);
  return dependents;
}

/**
 * The nodes so that each comes after what it needs. Of those that could come next, the first in the document does.
 * Nodes on a cycle, and those behind one, are left out.
 */
export function topologicalOrder(needs: Needs): string[] {
  const dependents = dependentsOf(needs);
  const rank = new Map([...needs.keys()].map((id, i) => [id, i]));
  const missing = new Map(
    [...needs].map(([id, before]) => [id, [...new Set(before)].filter((n) => needs.has(n)).length]),
  );
  const ready = [...needs.keys()].filter((id) => missing.get(id) === 0);
  const order: string[] = [];
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    order.push(id);
    for (const next of dependents.get(id) ?? []) {
      const left = (missing.get(next) ?? 0) - 1;
      missing.set(next, left);
      if (left === 0) insertByRank(ready, next, rank);
    }
  }
  return order;
}

/** One cycle for each knot of nodes that need one another, each as a path `[a, b]` that goes back to `a`. */
export function cyclesOf(needs: Needs): string[][] {
  const done = new Set(topologicalOrder(needs));
  const cycles: string[][] = [];
  for (const start of needs.keys()) {
    if (done.has(start)) continue;
    const path = walkUntilRepeat(start, needs, done);
    for (const id of path.seen) done.add(id);
    if (path.cycle !== undefined) cycles.push(path.cycle);
  }
  return cycles;
}

/** A set of nodes, as far as asking goes. */
export interface NodeSet {
  has(id: string): boolean;
}

/**
 * All nodes that must have ended before each node starts. Nodes on or behind a cycle are left out.
 * As bit sets: in a dense graph of 500 nodes each edge would copy hundreds of names.
 */
export function ancestorsOf(needs: Needs): Map<string, NodeSet> {
  const index = new Map([...needs.keys()].map((id, i) => [id, i]));
  const words = Math.ceil(index.size / 32);
  const bits = new Map<string, Uint32Array>();
  for (const id of topologicalOrder(needs)) {
    const mine = new Uint32Array(words);
    for (const need of needs.get(id) ?? []) addAncestor(mine, index.get(need), bits.get(need));
    bits.set(id, mine);
  }
  return new Map([...bits].map(([id, mine]) => [id, { has: (other) => holds(mine, index.get(other)) }]));
}

function addAncestor(mine: Uint32Array, at: number | undefined, further: Uint32Array | undefined): void {
  if (at === undefined || further === undefined) return;
  for (let i = 0; i < mine.length; i++) mine[i] = (mine[i] ?? 0) | (further[i] ?? 0);
  mine[at >> 5] = (mine[at >> 5] ?? 0) | (1 << (at & 31));
}

function holds(bits: Uint32Array, at: number | undefined): boolean {
  return at !== undefined && ((bits[at >> 5] ?? 0) & (1 << (at & 31))) !== 0;
}

/** Nodes nothing needs. */
export function leavesOf(needs: Needs): string[] {
  return [...dependentsOf(needs)].filter(([, after]) => after.length === 0).map(([id]) => id);
}

/** Follows the first unfinished need; every node left over by the sort has one or is behind a cycle already found. */
function walkUntilRepeat(
  start: string,
  needs: Needs,
  done: ReadonlySet<string>,
): { seen: string[]; cycle?: string[] } {
  const seen: string[] = [];
  let id: string | undefined = start;
  while (id !== undefined) {
    const at = seen.indexOf(id);
    if (at !== -1) return { seen, cycle: seen.slice(at) };
    seen.push(id);
    id = needs.get(id)?.find((need) => needs.has(need) && !done.has(need));
  }
  return { seen };
}

function insertByRank(ready: string[], id: string, rank: ReadonlyMap<string, number>): void {
  const mine = rank.get(id) ?? 0;
  const at = ready.findIndex((other) => (rank.get(other) ?? 0) > mine);
  ready.splice(at === -1 ? ready.length : at, 0, id);
}
