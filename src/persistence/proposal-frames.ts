import type { ProposalFrame } from '../contract/refinement.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { run, runOne, statement } from './statement.ts';

export type NewFrame = Omit<ProposalFrame, 'seq' | 'attempt'>;

/** What is heard while proposals are worked out. */
export function proposalFrameRepository(db: Db) {
  return {
    /**
     * Begins to listen, and answers which attempt that is: of attempts before nothing is kept any more, and followers are
     * told when they have heard something of one. Undefined: nobody waits for the proposal.
     */
    begin: (proposal_id: string): Promise<number | undefined> =>
      db.transaction(async (tx) => {
        const begun = await runOne(tx, BEGIN, [proposal_id]);
        if (begun && begun.attempt > 1) await run(tx, RESTARTED, [proposal_id]);
        return begun?.attempt;
      }),

    /** Keeps what was heard, and tells those who follow. False: nobody waits for this attempt any more. */
    async append(proposal_id: string, attempt: number, { type, time, data }: NewFrame): Promise<boolean> {
      const values = [proposal_id, attempt, type, time, JSON.stringify(data)];
      return (await runOne(db, APPEND, values))!.is_waited_for;
    },

    /** The next ones behind `seq`, in order. */
    after: (proposal_id: string, seq: number, limit: number): Promise<ProposalFrame[]> =>
      run(db, AFTER, [proposal_id, seq, limit]),
  };
}

export type ProposalFrameRepository = ReturnType<typeof proposalFrameRepository>;

/** Ends the frames of proposals with what has become of them. Belongs into the transaction that ended the work on them, once. */
export async function endFrames(tx: Db, proposal_ids: readonly string[]): Promise<void> {
  if (proposal_ids.length > 0) await run(tx, END, [proposal_ids]);
}

/** More than any engine says; what comes after it is left out, but for the end. */
const MAX_FRAMES = 2_000;

const BEGIN = statement<{ attempt: number }>(
  'proposal_frames_begin',
  `UPDATE proposal SET attempt = attempt + 1 WHERE id = $1 AND status = 'processing' RETURNING attempt`,
);

// Once for several attempts that heard nothing.
const RESTARTED = statement(
  'proposal_frames_restarted',
  `WITH last AS (
     SELECT type, data->>'status' AS status FROM proposal_frame WHERE proposal_id = $1 ORDER BY seq DESC LIMIT 1
   ), counted AS (
     UPDATE proposal SET last_frame_seq = last_frame_seq + 1
     WHERE id = $1 AND EXISTS (SELECT FROM last WHERE type <> 'status' OR status IS DISTINCT FROM 'restarted')
     RETURNING id, last_frame_seq, attempt
   ), kept AS (
     INSERT INTO proposal_frame (proposal_id, seq, attempt, type, time, data)
     SELECT id, last_frame_seq, attempt, 'status', now(), '{"status":"restarted"}' FROM counted
   )
   SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_frame_seq)::text FROM counted`,
);

const APPEND = statement<{ is_waited_for: boolean }>(
  'proposal_frame_append',
  `WITH counted AS (
     UPDATE proposal SET last_frame_seq = last_frame_seq + 1
     WHERE id = $1 AND attempt = $2 AND status = 'processing' AND last_frame_seq < ${MAX_FRAMES} RETURNING id, last_frame_seq
   ), kept AS (
     INSERT INTO proposal_frame (proposal_id, seq, attempt, type, time, data)
     SELECT id, last_frame_seq, $2, $3, $4, $5 FROM counted
   )
   SELECT (SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_frame_seq)::text FROM counted) AS announced,
     EXISTS (SELECT FROM counted) OR EXISTS (
       SELECT FROM proposal WHERE id = $1 AND attempt = $2 AND status = 'processing' AND last_frame_seq >= ${MAX_FRAMES}
     ) AS is_waited_for`,
);

const END = statement(
  'proposal_frames_end',
  `WITH counted AS (
     UPDATE proposal SET last_frame_seq = last_frame_seq + 1, attempt = greatest(attempt, 1)
     WHERE id = ANY ($1::uuid[]) RETURNING id, last_frame_seq, attempt, status
   ), kept AS (
     INSERT INTO proposal_frame (proposal_id, seq, attempt, type, time, data)
     SELECT id, last_frame_seq, attempt, 'end', now(), json_build_object('status', status) FROM counted
   )
   SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_frame_seq || ':end')::text FROM counted`,
);

const AFTER = statement<ProposalFrame>(
  'proposal_frames_after',
  `SELECT seq, attempt, type, time, data FROM proposal_frame WHERE proposal_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
);
