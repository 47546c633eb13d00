import { ObjectMissing, type ObjectStore } from '../contract/object-store.ts';
import { type Finding, unknownObjects } from '../persistence/fsck.ts';
import type { FsckDeps, Note } from './fsck-note.ts';
import type { Watch } from './watch.ts';

const KEYS_AT_ONCE = 1_000;

/** Every object of every store: a blob names it, or it is noted as garbage, or nobody knows of it. */
export async function checkObjects(
  deps: FsckDeps,
  note: Note,
  { report, signal }: Watch<{ objects: number }>,
): Promise<{ objects: number }> {
  let objects = 0;
  for (const store of deps.objects.all) {
    for await (const keys of inGroups(store.list())) {
      signal?.throwIfAborted();
      await note(await strangersAmong(deps, store, keys));
      objects += keys.length;
      report?.({ objects });
    }
  }
  return { objects };
}

async function strangersAmong(
  { db }: FsckDeps,
  store: ObjectStore,
  keys: readonly string[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const about of await unknownObjects(
    db,
    keys.map((key) => store.prefix + key),
  )) {
    // One that was deleted since it was listed is known to nobody any more, and that is right.
    if (await isThere(store, about.slice(store.prefix.length)))
      findings.push({ kind: 'unknown_object', about, detail: 'no blob is there, and no upload left it' });
  }
  return findings;
}

async function isThere(store: ObjectStore, key: string): Promise<boolean> {
  try {
    for await (const _ of store.read(key, { start: 0, end: 1 })) return true;
    return false;
  } catch (error) {
    if (error instanceof ObjectMissing) return false;
    throw error;
  }
}

async function* inGroups(keys: AsyncIterable<string>): AsyncGenerator<string[]> {
  let group: string[] = [];
  for await (const key of keys) {
    group.push(key);
    if (group.length < KEYS_AT_ONCE) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
