import type { Version } from './merge-base.ts';

/** A version, and whether it is still there. */
export interface Link extends Version {
  /** The patch that this one takes back. */
  reverts_id: string | null;
  /** False once it was collected. */
  live: boolean;
}

export interface Selection {
  /** Ids to send, each after all it depends on. The same history gives the same order. */
  send: string[];
  /** What the reader has and something sent, or a root, depends on. */
  requires: Link[];
  /** What was collected and something sent depends on. */
  missing: Link[];
}

/**
 * What of a history goes into a bundle. `have` are ids and version hashes of what the reader holds; with a version it has
 * its past. Where several hold the content of a hash the earliest counts: the reader may have no more than that.
 */
export function selectLinks(
  links: readonly Link[],
  roots: readonly string[],
  have: ReadonlySet<string>,
): Selection {
  const by_id = new Map(links.map((link) => [link.id, link]));
  const order = ancestorsFirst(by_id);
  const held = heldBy(order, by_id, have);
  const gone = new Set<string>();
  for (const link of order) if (!held.has(link.id) && isGone(link, gone)) gone.add(link.id);
  const send = order.filter(({ id }) => !held.has(id) && !gone.has(id));
  const needed = new Set([...roots, ...send.flatMap(sourcesOf)]);
  const elsewhere = (ids: ReadonlySet<string>) => order.filter(({ id }) => ids.has(id) && needed.has(id));
  return { send: send.map(({ id }) => id), requires: elsewhere(held), missing: elsewhere(gone) };
}

/** What an artifact was made from; the first parent comes first. */
const sourcesOf = ({ parents, compacted_from_id, reverts_id }: Link): string[] => [
  ...parents,
  ...[compacted_from_id, reverts_id].filter((id) => id !== null),
];

/** Depth first, by an explicit stack: a history may be longer than the call stack is deep. */
function ancestorsFirst(links: ReadonlyMap<string, Link>): Link[] {
  const order: Link[] = [];
  const entered = new Set<string>();
  const enter = (id: string) => {
    const link = entered.has(id) ? undefined : links.get(id);
    if (!link) return [];
    entered.add(id);
    return [{ link, sources: sourcesOf(link) }];
  };
  for (const root of [...links.keys()].sort()) {
    const stack = enter(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const source = top.sources.shift();
      if (source === undefined) order.push(stack.pop()!.link);
      else stack.push(...enter(source));
    }
  }
  return order;
}

function heldBy(
  order: readonly Link[],
  links: ReadonlyMap<string, Link>,
  have: ReadonlySet<string>,
): Set<string> {
  const wanted = new Set(have);
  const held = new Set<string>();
  // The first in order is the earliest, and each hash is used up by it.
  for (const { id, version_hash } of order) if (have.has(id) || wanted.delete(version_hash)) held.add(id);
  for (const link of [...order].reverse()) {
    if (held.has(link.id)) for (const id of sourcesOf(link)) if (links.has(id)) held.add(id);
  }
  return held;
}

/** A patch set is nothing without the version its operations apply to. */
const isGone = (link: Link, gone: ReadonlySet<string>): boolean =>
  !link.live || (link.kind === 'patch_set' && gone.has(link.parents[0]!));
