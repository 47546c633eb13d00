import type { TemporalRefinements } from './clients/temporal-link.ts';
import { createSpecEngine } from './container-spec-engine.ts';
import type { Base, Store } from './container-store.ts';
import { draftService } from './domain/ide/drafts.ts';
import { proposalService } from './domain/ide/proposals.ts';
import { publishService } from './domain/ide/publish.ts';
import { refineService } from './domain/ide/refine.ts';
import { refinementStarter } from './domain/ide/start.ts';
import { newId } from './ids.ts';
import { proposalFrameRepository } from './persistence/proposal-frames.ts';
import { proposalRepository } from './persistence/proposals.ts';

/** Drafts, proposals and publishing, as the API has them. */
export function createIde({ db, logger }: Base, store: Store, temporal: TemporalRefinements) {
  const { refs, definitions, at: storeAt } = store;
  const drafts = draftService({ db, ids: newId, refs, storeAt });
  const refinements = refinementStarter({
    temporal,
    proposals: proposalRepository(db),
    onError: (err) => logger.warn({ err }, 'a refinement was not started; it is tried again'),
  });
  const proposals = proposalService({
    db,
    ids: newId,
    drafts,
    definitions,
    storeAt,
    start: (proposal) => refinements.start(proposal),
  });
  return {
    drafts,
    proposals,
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
  const service = refineService({
    engine,
    proposals: proposalRepository(db),
    frames: proposalFrameRepository(db),
    definitions,
    blobs,
    clock: () => new Date(),
  });
  const stopping = new AbortController();
  const forget = () =>
    service.forget(stopping.signal).catch((err: unknown) => {
      if (!stopping.signal.aborted) logger.warn({ err }, 'the Spec Engine was not told what it may forget');
    });
  const timer = setInterval(() => void forget(), FORGET_MS);
  return {
    ...service,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await engine.close();
    },
  };
}
