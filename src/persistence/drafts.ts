import type { AgePlace } from '../contract/age-place.ts';
import type { DraftState } from '../contract/refinement.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

export interface DraftRow {
  id: string;
  project_id: string;
  workflow: string;
  tag: string;
  base_id: string | null;
  base_hash: string | null;
  state: DraftState;
  published_id: string | null;
  published_number: number | null;
  created_by: string;
  created_at: Date;
  closed_by: string | null;
  closed_at: Date | null;
}

export type NewDraft = Pick<
  DraftRow,
  'id' | 'project_id' | 'workflow' | 'tag' | 'base_id' | 'base_hash' | 'created_by'
>;

/** What a draft was closed with: what it was published as, if it was. */
export type Closing =
  | { state: 'discarded'; closed_by: string }
  | { state: 'published'; closed_by: string; published_id: string; published_number: number };

/** Drafts of workflows, of each at most one that is open. */
export function draftRepository(db: Db) {
  return {
    /** Undefined: there is an open one. */
    insert({
      id,
      project_id,
      workflow,
      tag,
      base_id,
      base_hash,
      created_by,
    }: NewDraft): Promise<DraftRow | undefined> {
      return runOne(db, INSERT, [id, project_id, workflow, tag, base_id, base_hash, created_by]);
    },

    find: (project_id: string, id: string): Promise<DraftRow | undefined> =>
      runOne(db, FIND, [project_id, id]),

    findOpen: (project_id: string, workflow: string): Promise<DraftRow | undefined> =>
      runOne(db, FIND_OPEN, [project_id, workflow]),

    /** The same, held until the transaction ends: whoever changes a draft does so one after the other. */
    lock: (project_id: string, id: string): Promise<DraftRow | undefined> =>
      runOne(db, LOCK, [project_id, id]),

    /** Newest first. */
    list(
      project_id: string,
      { workflow, state }: { workflow?: string; state?: DraftState },
      limit: number,
      after?: AgePlace,
    ): Promise<DraftRow[]> {
      const place = [after?.created_at ?? null, after?.id ?? null];
      return run(db, LIST, [project_id, limit, workflow ?? null, state ?? null, ...place]);
    },

    /** It starts from another position of the head tag now. */
    async rebase(id: string, base: { base_id: string; base_hash: string }): Promise<void> {
      await run(db, REBASE, [id, base.base_id, base.base_hash]);
    },

    async close(id: string, closing: Closing): Promise<DraftRow> {
      const published = closing.state === 'published' ? closing : undefined;
      const values = [published?.published_id ?? null, published?.published_number ?? null];
      return (await runOne(db, CLOSE, [id, closing.state, closing.closed_by, ...values]))!;
    },
  };
}

export type DraftRepository = ReturnType<typeof draftRepository>;

const COLUMNS = `id, project_id, workflow, tag, base_id, base_hash, state, published_id, published_number, created_by,
  created_at, closed_by, closed_at`;

const INSERT = statement<DraftRow>(
  'draft_insert',
  `INSERT INTO draft (id, project_id, workflow, tag, base_id, base_hash, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
   ON CONFLICT (project_id, workflow) WHERE state = 'open' DO NOTHING RETURNING ${COLUMNS}`,
);

const FIND = statement<DraftRow>(
  'draft_find',
  `SELECT ${COLUMNS} FROM draft WHERE project_id = $1 AND id = $2`,
);

const FIND_OPEN = statement<DraftRow>(
  'draft_find_open',
  `SELECT ${COLUMNS} FROM draft WHERE project_id = $1 AND workflow = $2 AND state = 'open'`,
);

const LOCK = statement<DraftRow>(
  'draft_lock',
  `SELECT ${COLUMNS} FROM draft WHERE project_id = $1 AND id = $2 FOR UPDATE`,
);

// A cursor carries milliseconds: the order must not know more.
const MADE = `date_trunc('milliseconds', created_at)`;

const LIST = statement<DraftRow>(
  'draft_list',
  `SELECT ${COLUMNS} FROM draft
   WHERE project_id = $1 AND ($3::text IS NULL OR workflow = $3) AND ($4::text IS NULL OR state = $4)
     AND ($5::timestamptz IS NULL OR (${MADE}, id) < ($5, $6::uuid))
   ORDER BY ${MADE} DESC, id DESC LIMIT $2`,
);

const REBASE = statement('draft_rebase', 'UPDATE draft SET base_id = $2, base_hash = $3 WHERE id = $1');

const CLOSE = statement<DraftRow>(
  'draft_close',
  `UPDATE draft SET state = $2, closed_by = $3, closed_at = now(), published_id = $4, published_number = $5
   WHERE id = $1 RETURNING ${COLUMNS}`,
);
