import type { AgePlace } from '../contract/age-place.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Proposed, ProposalStatus } from '../contract/refinement.ts';
import type { EngineError, PatchOperation } from '../contract/spec-engine.ts';
import type { Db } from './db.ts';
import { endFrames } from './proposal-frames.ts';
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
      after?: AgePlace,
    ): Promise<ProposalRow[]> {
      const filter = [workflow ?? null, draft_id ?? null, status ?? null];
      return run(db, LIST, [project_id, limit, ...filter, after?.created_at ?? null, after?.id ?? null]);
    },

    /** False: nobody waits for it any more, or for what another attempt will come to. */
    complete(id: string, attempt: number, proposed: Proposed): Promise<boolean> {
      const { patch, files, message, questions, understood } = proposed;
      const values = [patch, files, questions].map((value) => JSON.stringify(value));
      return over(db, (tx) => run(tx, COMPLETE, [id, ...values, message, understood, attempt]));
    },

    /** The same; without an attempt, whichever it was. */
    fail: (id: string, error: EngineError, attempt?: number): Promise<boolean> =>
      over(db, (tx) => run(tx, FAIL, [id, JSON.stringify(error), attempt ?? null])),

    async resolve(id: string, { status, by, reason, ...more }: Resolution): Promise<void> {
      const applied_id = 'applied_id' in more ? more.applied_id : null;
      await settle(db, (tx) => run(tx, RESOLVE, [id, status, by, reason ?? null, applied_id]));
    },

    /** Those of the draft that are still open, in favour of one that was approved. Answers their ids. */
    supersede: (draft_id: string, by: { id: string; actor: string }): Promise<string[]> =>
      settle(db, (tx) => run(tx, SUPERSEDE, [draft_id, by.id, by.actor])),

    /** Those of a draft that is closed and that are still open. Answers their ids. */
    rejectAll: (draft_id: string, by: string, reason: string): Promise<string[]> =>
      settle(db, (tx) => run(tx, REJECT_ALL, [draft_id, by, reason])),

    /** The same change against another version. */
    async rebase(id: string, base: { base_id: string; base_hash: string }, patch: readonly PatchOperation[]) {
      await run(db, REBASE, [id, base.base_id, base.base_hash, JSON.stringify(patch)]);
    },
  };
}

export type ProposalRepository = ReturnType<typeof proposalRepository>;

interface Settled {
  id: string;
  /** It was still worked on, so whoever follows it has not heard the end. */
  was_processing: boolean;
}

/** Whether the work ended, and with it what is heard of it. */
const over = (db: Db, change: (tx: Db) => Promise<{ id: string }[]>): Promise<boolean> =>
  db.transaction(async (tx) => {
    const ids = (await change(tx)).map(({ id }) => id);
    await endFrames(tx, ids);
    return ids.length > 0;
  });

const settle = (db: Db, change: (tx: Db) => Promise<Settled[]>): Promise<string[]> =>
  db.transaction(async (tx) => {
    const settled = await change(tx);
    await endFrames(
      tx,
      settled.filter(({ was_processing }) => was_processing).map(({ id }) => id),
    );
    return settled.map(({ id }) => id);
  });

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

const COMPLETE = statement<{ id: string }>(
  'proposal_complete',
  `UPDATE proposal SET status = 'completed', patch = $2, files = $3, questions = $4, message = $5, understood = $6,
     completed_at = now()
   WHERE id = $1 AND status = 'processing' AND attempt = $7 RETURNING id`,
);

const FAIL = statement<{ id: string }>(
  'proposal_fail',
  `UPDATE proposal SET status = 'failed', error = $2, completed_at = now()
   WHERE id = $1 AND status = 'processing' AND ($3::integer IS NULL OR attempt = $3) RETURNING id`,
);

// Work that has come to an end, by itself, has the time of it.
const SETTLED = 'RETURNING id, completed_at IS NULL AS was_processing';

const RESOLVE = statement<Settled>(
  'proposal_resolve',
  `UPDATE proposal SET status = $2, resolved_by = $3, resolved_at = now(), reason = $4, applied_id = $5 WHERE id = $1
   ${SETTLED}`,
);

const SUPERSEDE = statement<Settled>(
  'proposal_supersede',
  `UPDATE proposal SET status = 'superseded', superseded_by = $2, resolved_by = $3, resolved_at = now()
   WHERE draft_id = $1 AND id <> $2 AND status IN ('processing', 'completed') ${SETTLED}`,
);

const REJECT_ALL = statement<Settled>(
  'proposal_reject_all',
  `UPDATE proposal SET status = 'rejected', resolved_by = $2, resolved_at = now(), reason = $3
   WHERE draft_id = $1 AND ${OPEN} ${SETTLED}`,
);

const REBASE = statement(
  'proposal_rebase',
  'UPDATE proposal SET base_id = $2, base_hash = $3, patch = $4 WHERE id = $1',
);
