import { AppError } from '../../contract/errors.ts';
import type { Db } from '../../persistence/db.ts';
import { type DraftRepository, draftRepository, type DraftRow } from '../../persistence/drafts.ts';
import { proposalRepository } from '../../persistence/proposals.ts';
import { readTag, type TagRow } from '../../persistence/tags.ts';
import type { Caller, RefService } from '../refs.ts';
import type { StoreAt } from '../store.ts';
import { CHANGED_MEANWHILE, orConflict } from './raced.ts';

export interface DraftDeps {
  db: Db;
  ids: () => string;
  refs: Pick<RefService, 'find'>;
  /** The store within a transaction. */
  storeAt: (tx: Db) => StoreAt;
}

/** The tag that a workflow's draft is. */
export const draftTag = (workflow: string): string => `${workflow}/draft`;

/** A draft, and where its tag stands; null before its first change, where the workflow had no version. */
export interface Draft extends DraftRow {
  head: Pick<TagRow, 'target_id' | 'target_hash' | 'version'> | null;
}

/** Changes of a workflow that are not published yet: a tag beside the workflow's own. */
export function draftService(deps: DraftDeps) {
  const { db, ids, refs, storeAt } = deps;
  const drafts = draftRepository(db);

  const withHead = async (draft: DraftRow, at: Db = db): Promise<Draft> => {
    const open = draft.state === 'open';
    const tag = open ? await readTag(at, draft.project_id, draft.tag) : undefined;
    return { ...draft, head: tag ?? null };
  };

  /** A tag of the draft's name that is there already is what the draft goes on with. */
  async function begin(tx: Db, caller: Caller, workflow: string): Promise<DraftRow | undefined> {
    const { project_id, actor } = caller;
    const head = await readTag(tx, project_id, workflow);
    const base = { base_id: head?.target_id ?? null, base_hash: head?.target_hash ?? null };
    const tag = draftTag(workflow);
    const draft = await draftRepository(tx).insert({
      id: ids(),
      project_id,
      workflow,
      tag,
      ...base,
      created_by: actor,
    });
    if (!draft || !head || (await readTag(tx, project_id, tag))) return draft;
    const expectation = { expected: null };
    await storeAt(tx).tags.put(caller, tag, {
      target: head.target_id,
      expectation,
      reason: 'A draft begins.',
    });
    return draft;
  }

  return {
    /** The workflow's open draft, or a new one on its head. Throws what `RefService.find` throws, and what the gate does. */
    async open(caller: Caller, ref: string): Promise<{ draft: Draft; created: boolean }> {
      const { project_id } = caller;
      const { workflow } = await refs.find(project_id, ref);
      if (workflow === null) throw new AppError('not_found', { detail: 'No workflow has this version.' });
      for (;;) {
        const open = await drafts.findOpen(project_id, workflow);
        if (open) return { draft: await withHead(open), created: false };
        const begun = await db.transaction((tx) => begin(tx, caller, workflow));
        if (begun) return { draft: await withHead(begun), created: true };
      }
    },

    /** Throws `not_found`. */
    async get(project_id: string, id: string): Promise<Draft> {
      return withHead(existing(await drafts.find(project_id, id)));
    },

    list: (project_id: string, ...rest: Tail<DraftRepository['list']>) => drafts.list(project_id, ...rest),

    /** The tag goes, and open proposals are rejected. Throws `not_found`, and `state_conflict` for one that is closed. */
    async discard(caller: Caller, id: string, reason?: string): Promise<DraftRow> {
      const { project_id, actor } = caller;
      const discarding = db.transaction(async (tx) => {
        const draft = requireOpen(existing(await draftRepository(tx).lock(project_id, id)));
        const tag = await readTag(tx, project_id, draft.tag);
        if (tag)
          await storeAt(tx).tags.delete(caller, draft.tag, {
            expectation: { if_match: tag.version },
            reason,
          });
        await proposalRepository(tx).rejectAll(id, actor, reason ?? 'The draft was discarded.');
        return draftRepository(tx).close(id, { state: 'discarded', closed_by: actor });
      });
      return orConflict(discarding, CHANGED_MEANWHILE);
    },
  };
}

export type DraftService = ReturnType<typeof draftService>;

type Tail<F> = F extends (first: string, ...rest: infer R) => unknown ? R : never;

export function existing<T>(row: T | undefined): T {
  if (row === undefined) throw new AppError('not_found');
  return row;
}

/** Throws `state_conflict`. */
export function requireOpen(draft: DraftRow): DraftRow {
  if (draft.state === 'open') return draft;
  throw new AppError('state_conflict', {
    detail: `The draft was ${draft.state}.`,
    extra: { draft_id: draft.id },
  });
}
