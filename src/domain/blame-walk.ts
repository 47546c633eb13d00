import type { Json } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { nameOf } from './ancestry.ts';
import { operationsReader } from './blame-operations.ts';
import type { DefinitionService } from './materialise.ts';
import { newestFirst, touchedBy, valueAt } from './rules/blame.ts';
import { isEqualJson } from './rules/json-patch-equal.ts';
import { parsePointer } from './rules/json-patch-pointer.ts';
import type { History, Version } from './rules/merge-base.ts';

/** A value whose origin is looked for. */
export interface Suspect {
  pointer: string;
  value: Json;
}

export interface Blamed {
  version: Version;
  boundary: boolean;
}

export interface WalkDeps {
  db: Db;
  definitions: Pick<DefinitionService, 'read'>;
  onCorrupt?: (cas_id: string) => void;
}

export interface Trail {
  project_id: string;
  history: History;
  /** Artifact id of the version that has the values. */
  head: string;
}

/** Definitions one question may read; at the next the trail ends. */
const MAX_DOCUMENTS = 500;

/**
 * Follows values back to the versions that set them, all in one walk. Each goes on to the first parent that has it too;
 * where none does, the version is to blame. A patch that cannot have touched a value is passed without reading a
 * definition, so a chain of a thousand patches costs about as many reads as there are patches to blame.
 */
export async function traceBack(
  deps: WalkDeps,
  trail: Trail,
  suspects: readonly Suspect[],
): Promise<Map<Suspect, Blamed>> {
  const { history, head } = trail;
  const compare = comparison(deps, trail);
  const blamed = new Map<Suspect, Blamed>();
  const waiting = new Map([[history.find(head)!.id, [...suspects]]]);
  for (const version of newestFirst(history, head)) {
    let left = waiting.get(version.id) ?? [];
    const unsure = new Set<Suspect>();
    for (const parent of left.length > 0 ? history.parentsOf(version) : []) {
      const verdicts = await compare(version, history.find(parent)!, left);
      const having = (verdict: Verdict) => left.filter((_, i) => verdicts[i] === verdict);
      waiting.set(parent, [...(waiting.get(parent) ?? []), ...having('same')]);
      for (const suspect of having('unknown')) unsure.add(suspect);
      left = [...having('another'), ...having('unknown')];
    }
    for (const suspect of left) blamed.set(suspect, { version, boundary: unsure.has(suspect) });
    if (blamed.size === suspects.length) break;
  }
  return blamed;
}

type Verdict = 'same' | 'another' | 'unknown';

/** Tells of each value whether the parent has it too. */
function comparison(deps: WalkDeps, { project_id, history }: Trail) {
  const operationsOf = operationsReader(deps, { project_id, history });
  let documents = 0;
  const read = async (version: Version): Promise<Json | undefined> => {
    if (++documents > MAX_DOCUMENTS) return undefined;
    const found = deps.definitions.read(project_id, nameOf(version)).catch(ignoreCollected);
    return (await found) as unknown as Json | undefined;
  };
  return async (version: Version, parent: Version, suspects: readonly Suspect[]): Promise<Verdict[]> => {
    if (version.version_hash === parent.version_hash) return suspects.map(() => 'same');
    const patch = await operationsOf(version);
    const isTouched = patch ? touchedBy(patch) : () => true;
    const touched = suspects.map(({ pointer }) => isTouched(pointer));
    const document = touched.includes(true) ? await read(parent) : undefined;
    return suspects.map(({ pointer, value }, i) => {
      if (!touched[i]) return 'same';
      if (document === undefined) return 'unknown';
      const before = valueAt(document, parsePointer(pointer)!);
      return before !== undefined && isEqualJson(before, value) ? 'same' : 'another';
    });
  };
}

/** What garbage collection took cannot be compared; that is where a trail may end. */
function ignoreCollected(error: unknown): undefined {
  if (!(error instanceof AppError) || error.code !== 'blob_collected') throw error;
}
