import type { Base, Store } from './container-store.ts';
import type { JsonObject } from './contract/json.ts';
import { backTestService } from './domain/back-test/service.ts';
import { evidenceService } from './domain/ide/evidence.ts';
import type { ProposalService } from './domain/ide/proposals.ts';
import { backTestRepository } from './persistence/back-tests.ts';
import { runRepository } from './persistence/runs.ts';

const LIMITS = { run_ms: 500, total_ms: 10_000, bytes: 64 * 1024 * 1024 };

/** What runs that have ended say of a change. */
export function createEvidence({ db }: Pick<Base, 'db'>, store: Store, proposals: ProposalService) {
  const { refs, definitions, blobs } = store;
  const runs = runRepository(db);
  const back_tests = backTestService({
    rows: backTestRepository(db),
    readPinned: (version_hash) => definitions.readPinned(version_hash),
    async manifest(project_id, artifact_id) {
      const { bytes } = await blobs.get(project_id, await runs.snapshotBlob(artifact_id));
      return JSON.parse(bytes.toString('utf8')) as JsonObject;
    },
    blobs,
    now_ms: () => performance.now(),
    limits: LIMITS,
  });
  return evidenceService({ back_tests, proposals, refs, definitions });
}
