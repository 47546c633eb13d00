import type { ProposalFrame } from '../contract/refinement.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { run, statement } from './statement.ts';

export type NewFrame = Omit<ProposalFrame, 'seq'>;

/** What is heard while proposals are worked out. */
export function proposalFrameRepository(db: Db) {
  return {
    /** Keeps what was heard, and tells those who follow. Nothing of a proposal that nobody waits for any more. */
    async append(proposal_id: string, { type, time, data }: NewFrame): Promise<void> {
      await run(db, APPEND, [proposal_id, type, time, JSON.stringify(data)]);
    },

    /** The next ones behind `seq`, in order. */
    after: (proposal_id: string, seq: number, limit: number): Promise<ProposalFrame[]> =>
      run(db, AFTER, [proposal_id, seq, limit]),
  };
}

export type ProposalFrameRepository = ReturnType<typeof proposalFrameRepository>;

/** More than any engine says; what comes after it is left out, but for the end. */
const MAX_FRAMES = 2_000;

const APPEND = statement(
  'proposal_frame_append',
  `WITH counted AS (
     UPDATE proposal SET last_frame_seq = last_frame_seq + 1
     WHERE id = $1 AND (last_frame_seq < ${MAX_FRAMES} OR $2 = 'end') RETURNING id, last_frame_seq
   ), kept AS (
     INSERT INTO proposal_frame (proposal_id, seq, type, time, data) SELECT id, last_frame_seq, $2, $3, $4 FROM counted
   )
   SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_frame_seq)::text FROM counted`,
);

const AFTER = statement<ProposalFrame>(
  'proposal_frames_after',
  `SELECT seq, type, time, data FROM proposal_frame WHERE proposal_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
);
