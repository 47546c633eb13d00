import { readOperations } from '../persistence/ancestry.ts';
import type { Db } from '../persistence/db.ts';
import { verified } from './blobs-read.ts';
import type { StoredOperation } from './rules/blame.ts';
import type { History, Version } from './rules/merge-base.ts';

export interface OperationsDeps {
  db: Db;
  onCorrupt?: (cas_id: string) => void;
}

/** Patches fetched at a time: a walk that has come to one comes to those under it. */
const AHEAD = 100;

/** Reads the operations of patches; undefined for a version that is none, or whose operations are large or gone. */
export function operationsReader(
  { db, onCorrupt }: OperationsDeps,
  { project_id, history }: { project_id: string; history: History },
): (version: Version) => Promise<StoredOperation[] | undefined> {
  const known = new Map<string, StoredOperation[] | undefined>();
  const fetch = async (ids: string[]) => {
    for (const id of ids) known.set(id, undefined);
    for (const { id, cas_id, content } of await readOperations(db, project_id, ids)) {
      if (!content) continue;
      const { bytes } = verified({ cas_id, media_type: 'application/json', bytes: content }, onCorrupt);
      known.set(id, JSON.parse(bytes.toString('utf8')) as StoredOperation[]);
    }
  };
  return async (version) => {
    if (version.kind !== 'patch_set') return undefined;
    if (!known.has(version.id)) await fetch(chainFrom(history, version));
    return known.get(version.id);
  };
}

function chainFrom(history: History, head: Version): string[] {
  const ids: string[] = [];
  for (let at: Version | undefined = head; at?.kind === 'patch_set' && ids.length < AHEAD;) {
    ids.push(at.id);
    at = history.find(at.parents[0]!);
  }
  return ids;
}
