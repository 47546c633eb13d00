import { SpecEngineFailure } from '../../clients/spec-engine/failure.ts';
import type { SpecEngine } from '../../contract/spec-engine.ts';
import type { ProposalUpkeep } from '../../persistence/proposal-upkeep.ts';

interface Deps {
  engine: Pick<SpecEngine, 'forget'>;
  upkeep: Pick<ProposalUpkeep, 'unforgotten' | 'noteForgotten'>;
}

const BATCH = 100;

/**
 * Tells the engine of threads that nobody needs any more, and answers whether there may be more of them. What it cannot be told now
 * stays for the next time; what it refuses, it would refuse again, and the others would wait behind it for ever.
 */
export async function forgetThreads({ engine, upkeep }: Deps, signal: AbortSignal): Promise<boolean> {
  const threads = await upkeep.unforgotten(BATCH);
  for (const { id, thread_id } of threads) {
    await engine.forget(thread_id, signal).catch((error: unknown) => {
      if (!(error instanceof SpecEngineFailure) || error.code !== 'refused') throw error;
    });
    await upkeep.noteForgotten(id);
  }
  return threads.length === BATCH;
}
