import type { JsonObject } from '../contract/json.ts';
import type { Proposed, ProposalStatus } from '../contract/refinement.ts';
import type { EngineError, PatchOperation } from '../contract/spec-engine.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

export interface ProposalRow {
  id: string;
  project_id: string;
  draft_id: string;
  /** Of its draft. */
  workflow: string;
  thread_id: string;
  instructions: string;
  context: JsonObject | null;
  status: ProposalStatus;
  base_id: string | null;
  base_hash: string | null;
  patch: PatchOperation[] | null;
  files: Record<string, string | null> | null;
  message: string | null;
  questions: string[] | null;
  understood: boolean | null;
  error: EngineError | null;
  created_by: string;
  created_at: Date;
  completed_at: Date | null;
  resolved_by: string | null;
  resolved_at: Date | null;
  reason: string | null;
  superseded_by: string | null;
  applied_id: string | null;
}

export type NewProposal = Pick<
  ProposalRow,
  | 'id'
  | 'project_id'
  | 'draft_id'
  | 'thread_id'
  | 'instructions'
  | 'context'
  | 'base_id'
  | 'base_hash'
  | 'created_by'
>;

export interface ProposalFilter {
  workflow?: string;
  draft_id?: string;
  status?: ProposalStatus;
}

/** What a person, or another proposal, made of one. */
export type Resolution = { by: string; reason?: string } & (
  { status: 'approved'; applied_id: string } | { status: 'rejected' }
);

/** Changes that were asked for, and what became of them. */
export function proposalRepository(db: Db) {
  return {
    async insert(proposal: NewProposal): Promise<void> {
      const { id, project_id, draft_id, thread_id, instructions, context, base_id, base_hash, created_by } =
        proposal;
      const asked = context === null ? null : JSON.stringify(context);
      await run(db, INSERT, [
        id,
        project_id,
        draft_id,
        thread_id,
        instructions,
        asked,
        base_id,
        base_hash,
        created_by,
      ]);
    },

    find: (project_id: string, id: string): Promise<ProposalRow | undefined> =>
      runOne(db, FIND, [project_id, id]),

    findByThread: (project_id: string, thread_id: string): Promise<ProposalRow | undefined> =>
      runOne(db, FIND_BY_THREAD, [project_id, thread_id]),

    /** Held until the transaction ends, so that one of approve, reject and completion is first. */
    lock: (project_id: string, id: string): Promise<ProposalRow | undefined> =>
      runOne(db, LOCK, [project_id, id]),

    /** Newest first. */
    list(
      project_id: string,
      { workflow, draft_id, status }: ProposalFilter,
      limit: number,
      after?: { created_at: string; id: string },
    ): Promise<ProposalRow[]> {
      const filter = [workflow ?? null, draft_id ?? null, status ?? null];
      return run(db, LIST, [project_id, limit, ...filter, after?.created_at ?? null, after?.id ?? null]);
    },

    /** False: nobody waits for it any more. */
    async complete(id: string, { patch, files, message, questions, understood }: Proposed): Promise<boolean> {
      const values = [patch, files, questions].map((value) => JSON.stringify(value));
      return (await runOne(db, COMPLETE, [id, ...values, message, understood])) !== undefined;
    },

    /** False: nobody waits for it any more. */
    async fail(id: string, error: EngineError): Promise<boolean> {
      return (await runOne(db, FAIL, [id, JSON.stringify(error)])) !== undefined;
    },

    async resolve(id: string, { status, by, reason, ...more }: Resolution): Promise<void> {
      const applied_id = 'applied_id' in more ? more.applied_id : null;
      await run(db, RESOLVE, [id, status, by, reason ?? null, applied_id]);
    },

    /** Those of the draft that are still open, in favour of one that was approved. Answers their ids. */
    async supersede(draft_id: string, by: { id: string; actor: string }): Promise<string[]> {
      return (await run(db, SUPERSEDE, [draft_id, by.id, by.actor])).map(({ id }) => id);
    },

    /** Those of a draft that is closed and that are still open. Answers their ids. */
    async rejectAll(draft_id: string, by: string, reason: string): Promise<string[]> {
      return (await run(db, REJECT_ALL, [draft_id, by, reason])).map(({ id }) => id);
    },

    /** The same change against another version. */
    async rebase(id: string, base: { base_id: string; base_hash: string }, patch: readonly PatchOperation[]) {
      await run(db, REBASE, [id, base.base_id, base.base_hash, JSON.stringify(patch)]);
    },

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
  };
}

export type ProposalRepository = ReturnType<typeof proposalRepository>;

const COLUMNS = `p.id, p.project_id, p.draft_id, d.workflow, p.thread_id, p.instructions, p.context, p.status, p.base_id, p.base_hash,
  p.patch, p.files, p.message, p.questions, p.understood, p.error, p.created_by, p.created_at, p.completed_at, p.resolved_by,
  p.resolved_at, p.reason, p.superseded_by, p.applied_id`;
const OF_DRAFT = 'FROM proposal p JOIN draft d ON d.id = p.draft_id';
const OPEN = `status IN ('processing', 'completed', 'failed')`;

const INSERT = statement(
  'proposal_insert',
  `INSERT INTO proposal (id, project_id, draft_id, thread_id, instructions, context, base_id, base_hash, created_by)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
);

const FIND = statement<ProposalRow>(
  'proposal_find',
  `SELECT ${COLUMNS} ${OF_DRAFT} WHERE p.project_id = $1 AND p.id = $2`,
);

const FIND_BY_THREAD = statement<ProposalRow>(
  'proposal_by_thread',
  `SELECT ${COLUMNS} ${OF_DRAFT} WHERE p.project_id = $1 AND p.thread_id = $2`,
);

const LOCK = statement<ProposalRow>(
  'proposal_lock',
  `SELECT ${COLUMNS} ${OF_DRAFT} WHERE p.project_id = $1 AND p.id = $2 FOR UPDATE OF p`,
);

// A cursor carries milliseconds: the order must not know more.
const MADE = `date_trunc('milliseconds', p.created_at)`;

const LIST = statement<ProposalRow>(
  'proposal_list',
  `SELECT ${COLUMNS} ${OF_DRAFT}
   WHERE p.project_id = $1 AND ($3::text IS NULL OR d.workflow = $3) AND ($4::uuid IS NULL OR p.draft_id = $4)
     AND ($5::text IS NULL OR p.status = $5) AND ($6::timestamptz IS NULL OR (${MADE}, p.id) < ($6, $7::uuid))
   ORDER BY ${MADE} DESC, p.id DESC LIMIT $2`,
);

const COMPLETE = statement(
  'proposal_complete',
  `UPDATE proposal SET status = 'completed', patch = $2, files = $3, questions = $4, message = $5, understood = $6,
     completed_at = now()
   WHERE id = $1 AND status = 'processing' RETURNING id`,
);

const FAIL = statement(
  'proposal_fail',
  `UPDATE proposal SET status = 'failed', error = $2, completed_at = now()
   WHERE id = $1 AND status = 'processing' RETURNING id`,
);

const RESOLVE = statement(
  'proposal_resolve',
  `UPDATE proposal SET status = $2, resolved_by = $3, resolved_at = now(), reason = $4, applied_id = $5 WHERE id = $1`,
);

const SUPERSEDE = statement<{ id: string }>(
  'proposal_supersede',
  `UPDATE proposal SET status = 'superseded', superseded_by = $2, resolved_by = $3, resolved_at = now()
   WHERE draft_id = $1 AND id <> $2 AND status IN ('processing', 'completed') RETURNING id`,
);

const REJECT_ALL = statement<{ id: string }>(
  'proposal_reject_all',
  `UPDATE proposal SET status = 'rejected', resolved_by = $2, resolved_at = now(), reason = $3
   WHERE draft_id = $1 AND ${OPEN} RETURNING id`,
);

const REBASE = statement(
  'proposal_rebase',
  'UPDATE proposal SET base_id = $2, base_hash = $3, patch = $4 WHERE id = $1',
);

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
