/** A version as far as ancestry goes. */
export interface Version {
  id: string;
  kind: 'dag_version' | 'patch_set';
  version_hash: string;
  parents: readonly string[];
  /** Of a compacted version: the one it holds in another form. */
  compacted_from_id: string | null;
}

/** Versions with everything they come from. A compacted version and the one it was made of are one and the same. */
export interface History {
  /** The version that an id stands for: never a compacted one whose origin is known. Undefined for a stranger. */
  find(id: string): Version | undefined;
  /** Ids that stand for themselves, first parent first. */
  parentsOf(version: Version): string[];
}

export function historyOf(versions: readonly Version[]): History {
  const by_id = new Map(versions.map((version) => [version.id, version]));
  const find = (id: string): Version | undefined => {
    const version = by_id.get(id);
    const origin = version?.compacted_from_id ?? undefined;
    return (origin === undefined ? undefined : find(origin)) ?? version;
  };
  const known = (ids: readonly string[]) => ids.flatMap((id) => find(id)?.id ?? []);
  return { find, parentsOf: ({ id, parents }) => [...new Set(known(parents))].filter((p) => p !== id) };
}

/** The versions `ids` and all they come from, as ids that stand for themselves. */
export function reachable(history: History, ids: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const version = history.find(id);
    if (!version || seen.has(version.id)) continue;
    seen.add(version.id);
    open.push(...history.parentsOf(version));
  }
  return seen;
}

/**
 * The best common ancestors of two groups of versions: common to both, and ancestor of no other common one. None when
 * the two are unrelated, several after a criss-cross merge. In an order that does not depend on which group is which.
 */
export function mergeBases(history: History, ours: readonly string[], theirs: readonly string[]): Version[] {
  const our_side = reachable(history, ours);
  const common = [...reachable(history, theirs)].filter((id) => our_side.has(id));
  // With a version all its ancestors are common, so whatever is not best has a common child.
  const older = new Set(common.flatMap((id) => history.parentsOf(history.find(id)!)));
  return common
    .filter((id) => !older.has(id))
    .sort()
    .map((id) => history.find(id)!);
}

/** Whether `descendant` comes from `ancestor`, or is it. */
export function isAncestor(history: History, ancestor: string, descendant: string): boolean {
  const version = history.find(ancestor);
  return version !== undefined && reachable(history, [descendant]).has(version.id);
}

export interface Distance {
  /** Versions that only `head` comes from. */
  ahead: number;
  /** Versions that only `base` comes from. */
  behind: number;
}

export function distance(history: History, base: string, head: string): Distance {
  const before = reachable(history, [base]);
  const after = reachable(history, [head]);
  const only = (some: Set<string>, others: Set<string>) => [...some].filter((id) => !others.has(id)).length;
  return { ahead: only(after, before), behind: only(before, after) };
}
