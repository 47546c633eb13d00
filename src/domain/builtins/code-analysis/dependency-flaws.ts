import { findAdvisories } from '../../../analysis/security/advisories.ts';
import { isLockFile } from '../../../analysis/security/advisories-locks.ts';
import { skipReasonOfPath } from '../../../analysis/skip.ts';
import type { AdvisorySource } from '../../../contract/advisory.ts';
import type { Finding, FindingArea } from '../../../contract/findings.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeContext } from '../../nodes/node.ts';
import type { FetchedTree } from './tree.ts';

interface Deps {
  blobs: Pick<BlobService, 'get'>;
  /** Undefined where none is configured. */
  advisories: AdvisorySource | undefined;
}

const MAX_LOCK_FILES = 50;

/** Looks up the flaws of a tree's locked packages, each time: advisories change while the files do not. */
export function dependencyFlaws({ blobs, advisories }: Deps) {
  return async (
    area: FindingArea,
    tree: FetchedTree,
    { project_id, signal }: Pick<NodeContext, 'project_id' | 'signal'>,
  ): Promise<{ findings: Finding[]; problems: string[] }> => {
    if (area !== 'security' || !advisories) return { findings: [], problems: [] };
    // Not `skipReasonOf`: most of them say that they are generated.
    const locks = tree.files.filter(({ path }) => isLockFile(path));
    const files = await Promise.all(
      locks.slice(0, MAX_LOCK_FILES).map(async ({ path, cas_id }) => {
        const { bytes } = await blobs.get(project_id, cas_id);
        return { path, cas_id, text: bytes.toString('utf8') };
      }),
    );
    const { findings, problems } = await findAdvisories(files, advisories, signal);
    const unread = Math.max(0, locks.length - MAX_LOCK_FILES) + unreadLocks(tree);
    return {
      findings,
      problems: unread === 0 ? problems : [...problems, `Lock files that were not read: ${unread}.`],
    };
  };
}

/** Those that are too large, above all. */
function unreadLocks({ others, is_part }: FetchedTree): number {
  if (is_part) return 0;
  return others.filter((path) => isLockFile(path) && skipReasonOfPath(path) === undefined).length;
}
