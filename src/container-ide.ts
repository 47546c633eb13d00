import type { TemporalRefinements } from './clients/temporal-link.ts';
import { createEvidence } from './container-evidence.ts';
import { createSpecEngine } from './container-spec-engine.ts';
import type { Base, Store } from './container-store.ts';
import { draftService } from './domain/ide/drafts.ts';
import { forgetThreads } from './domain/ide/forget.ts';
import { proposalService } from './domain/ide/proposals.ts';
import { publishService } from './domain/ide/publish.ts';
import { refineService } from './domain/ide/refine.ts';
import { refinementStarter } from './domain/ide/start.ts';
import { repeat } from './domain/repeat.ts';
import type { RunFeed } from './domain/run-feed.ts';
import { newId } from './ids.ts';
import { proposalFrameRepository } from './persistence/proposal-frames.ts';
import { proposalUpkeep } from './persistence/proposal-upkeep.ts';

interface Outside {
  temporal: TemporalRefinements;
  feed: RunFeed;
}

/** Drafts, proposals and publishing, as the API has them. */
export function createIde({ db, logger }: Base, store: Store, { temporal, feed }: Outside) {
  const { refs, definitions, at: storeAt } = store;
  const drafts = draftService({ db, ids: newId, refs, storeAt });
  const refinements = refinementStarter({
    temporal,
    proposals: proposalUpkeep(db),
    onError: (err) => logger.warn({ err }, 'a refinement was not started; it is tried again'),
  });
  const proposals = proposalService({
    db,
    ids: newId,
    drafts,
    definitions,
    storeAt,
    feed,
    start: (proposal) => refinements.start(proposal),
  });
  return {
    drafts,
    proposals,
    evidence: createEvidence({ db }, store, proposals),
    refinements,
    publishing: publishService({ db, refs, storeAt }),
    frames: proposalFrameRepository(db),
  };
}

/** How often threads are looked for that nobody needs any more. */
const FORGET_MS = 10_000;

/** What has proposals worked out, in a worker. */
export function createRefinements(base: Base, store: Store) {
  const { db, logger } = base;
  const { definitions, blobs } = store;
  const engine = createSpecEngine(base);
  const upkeep = proposalUpkeep(db);
  const frames = proposalFrameRepository(db);
  const service = refineService({ db, engine, frames, upkeep, definitions, blobs });
  const forgetting = repeat({
    turn: (signal) => forgetThreads({ engine, upkeep }, signal),
    rest_ms: 0,
    idle_ms: FORGET_MS,
    onError: (err) => logger.warn({ err }, 'the Spec Engine was not told what it may forget'),
  });
  return {
    ...service,
    async stop() {
      await forgetting.stop();
      await engine.close();
    },
  };
}
