const MAX_HOPS = 40;

/**
 * Whether a symbolic link of a tree leads to a place inside it, the tree's other links followed on the way as the
 * system would. `links` has the target of every link by its path.
 */
export function leadsInside(path: string, links: ReadonlyMap<string, string>): boolean {
  let here = path.split('/').slice(0, -1);
  const waiting = partsOf(links.get(path) ?? '/');
  for (let hops = 1; waiting.length > 0;) {
    const part = waiting.shift()!;
    if (part === '/') return false;
    if (part === '..') {
      if (here.length === 0) return false;
      here = here.slice(0, -1);
      continue;
    }
    const target = links.get([...here, part].join('/'));
    if (target === undefined) here = [...here, part];
    else if (++hops > MAX_HOPS) return false;
    else waiting.unshift(...partsOf(target));
  }
  return true;
}

/** The parts of a target; `/` stands for one that begins at the root. */
function partsOf(target: string): string[] {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return ['/'];
  return target.split('/').filter((part) => part !== '' && part !== '.');
}
