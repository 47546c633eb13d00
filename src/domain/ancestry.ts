import { AppError } from '../contract/errors.ts';
import { readAncestry } from '../persistence/ancestry.ts';
import type { Db } from '../persistence/db.ts';
import type { RefService } from './refs.ts';
import {
  distance,
  type Distance,
  type History,
  historyOf,
  isAncestor,
  mergeBases,
} from './rules/merge-base.ts';

/** A version by both its names. */
export interface VersionName {
  artifact_id: string;
  version_hash: string;
}

export interface Comparison extends Distance {
  /** Version hashes of the two that were compared. */
  base: string;
  head: string;
  /** Version hash of the version both come from; null for strangers. */
  merge_base: string | null;
  /** After a criss-cross merge there are several, and `merge_base` is the first. */
  merge_bases: VersionName[];
}

export interface AncestryService {
  /** The histories of these versions. Throws `state_conflict` when they have more than 50,000 versions together. */
  load(project_id: string, heads: readonly string[], db?: Db): Promise<History>;
  /** Whether the version `descendant` comes from `ancestor`, or is it; both are artifact ids. */
  isAncestor(
    project_id: string,
    question: { ancestor: string; descendant: string },
    db?: Db,
  ): Promise<boolean>;
  /** How far two references are apart. Throws what `RefService.resolve` and `load` throw. */
  compare(project_id: string, refs: { base: string; head: string }): Promise<Comparison>;
}

export interface AncestryDeps {
  db: Db;
  refs: Pick<RefService, 'resolve'>;
  /** Versions that one question may look at. */
  max_versions?: number;
}

const MAX_VERSIONS = 50_000;

export function ancestryService({ db, refs, max_versions = MAX_VERSIONS }: AncestryDeps): AncestryService {
  const load: AncestryService['load'] = async (project_id, heads, at = db) => {
    const rows = await readAncestry(at, project_id, { heads, limit: max_versions + 1 });
    if (rows.length <= max_versions) return historyOf(rows);
    throw new AppError('state_conflict', { detail: `The history has more than ${max_versions} versions.` });
  };
  return {
    load,
    isAncestor: async (project_id, { ancestor, descendant }, at) =>
      isAncestor(await load(project_id, [ancestor, descendant], at), ancestor, descendant),
    compare: async (project_id, names) => {
      const [base, head] = await Promise.all([
        refs.resolve(project_id, names.base),
        refs.resolve(project_id, names.head),
      ]);
      const [from, to] = [base.artifact_id, head.artifact_id];
      const history = await load(project_id, [from, to]);
      const merge_bases = mergeBases(history, [from], [to]).map(nameOf);
      return {
        base: base.version_hash,
        head: head.version_hash,
        ...distance(history, from, to),
        merge_base: merge_bases[0]?.version_hash ?? null,
        merge_bases,
      };
    },
  };
}

export const nameOf = ({ id, version_hash }: { id: string; version_hash: string }): VersionName => ({
  artifact_id: id,
  version_hash,
});
