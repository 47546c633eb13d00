import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** What has to be done for proposals that nobody does while somebody waits for it. */
export function proposalUpkeep(db: Db) {
  return {
    async noteStart(id: string): Promise<void> {
      await run(db, NOTE_START, [id]);
    },

    /** Some that nobody is known to have started for `seconds`. */
    unstarted: (seconds: number, limit: number): Promise<{ id: string; project_id: string }[]> =>
      run(db, UNSTARTED, [seconds, limit]),

    /** Threads, by proposal, that no engine needs to keep. */
    unforgotten: (limit: number): Promise<{ id: string; thread_id: string }[]> =>
      run(db, UNFORGOTTEN, [limit]),

    async noteForgotten(id: string): Promise<void> {
      await run(db, NOTE_FORGOTTEN, [id]);
    },

    /** The engine may have been asked after it was told to forget: it is told again. */
    async noteAsked(id: string): Promise<void> {
      await run(db, NOTE_ASKED, [id]);
    },
  };
}

export type ProposalUpkeep = ReturnType<typeof proposalUpkeep>;

const NOTE_START = statement(
  'proposal_note_start',
  'UPDATE proposal SET started_at = now() WHERE id = $1 AND started_at IS NULL',
);

const UNSTARTED = statement<{ id: string; project_id: string }>(
  'proposal_unstarted',
  `SELECT id, project_id FROM proposal
   WHERE status = 'processing' AND started_at IS NULL AND created_at < now() - make_interval(secs => $1)
   ORDER BY created_at LIMIT $2`,
);

const UNFORGOTTEN = statement<{ id: string; thread_id: string }>(
  'proposal_unforgotten',
  `SELECT id, thread_id FROM proposal
   WHERE forgotten_at IS NULL AND status IN ('failed', 'approved', 'rejected', 'superseded') ORDER BY id LIMIT $1`,
);

const NOTE_FORGOTTEN = statement(
  'proposal_note_forgotten',
  'UPDATE proposal SET forgotten_at = now() WHERE id = $1',
);

const NOTE_ASKED = statement(
  'proposal_note_asked',
  'UPDATE proposal SET forgotten_at = NULL WHERE id = $1 AND forgotten_at IS NOT NULL',
);
