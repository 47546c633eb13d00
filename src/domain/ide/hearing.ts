import type { EngineFrame } from '../../contract/spec-engine.ts';
import type { ProposalFrameRepository } from '../../persistence/proposal-frames.ts';

/** One attempt to have a proposal worked out, as far as it is heard. */
export interface Hearing {
  hear: (frame: EngineFrame) => void;
  /** Aborted once nobody waits for the proposal, or for this attempt, any more. */
  over: AbortSignal;
  /** The attempt, once everything that was heard is kept; undefined: nobody waits. Throws what keeping it threw. */
  end(): Promise<number | undefined>;
}

/** Keeps what an engine says of a proposal, in order. Undefined: nobody waits for it. */
export async function beginHearing(
  frames: Pick<ProposalFrameRepository, 'begin' | 'append'>,
  proposal_id: string,
): Promise<Hearing | undefined> {
  let attempt = await frames.begin(proposal_id);
  if (attempt === undefined) return undefined;
  const over = new AbortController();
  let last_seq = 0;
  let keeping = Promise.resolve();

  async function keep({ seq, type, time, data }: EngineFrame): Promise<void> {
    if (over.signal.aborted) return;
    // The engine had forgotten the thread, was asked again and begins anew.
    if (seq <= last_seq) attempt = await frames.begin(proposal_id);
    last_seq = seq;
    const frame = { type, time: new Date(time), data };
    const is_waited_for = attempt !== undefined && (await frames.append(proposal_id, attempt, frame));
    if (!is_waited_for) over.abort();
  }

  return {
    hear(frame) {
      // Ours comes with what is made of the result.
      if (frame.type === 'end') return;
      keeping = keeping.then(() => keep(frame));
      // Awaited at the end; until then nobody else may look.
      keeping.catch(() => undefined);
    },
    over: over.signal,
    async end() {
      await keeping;
      return over.signal.aborted ? undefined : attempt;
    },
  };
}
