import { AppError } from '../../contract/errors.ts';
import type { Db } from '../../persistence/db.ts';
import { draftRepository, type DraftRow } from '../../persistence/drafts.ts';
import { proposalRepository } from '../../persistence/proposals.ts';
import { readTag, type TagRow } from '../../persistence/tags.ts';
import type { Caller, RefService } from '../refs.ts';
import type { StoreAt } from '../store.ts';
import { existing, requireOpen } from './drafts.ts';

interface Deps {
  db: Db;
  refs: Pick<RefService, 'find'>;
  storeAt: (tx: Db) => StoreAt;
}

export interface Published {
  draft: DraftRow;
  /** The workflow's own tag, as it is now; its version is the number that was published. */
  tag: TagRow;
}

/** Brings the work of a draft to its workflow. */
export function publishService({ db, refs, storeAt }: Deps) {
  async function publish(tx: Db, caller: Caller, workflow: string, reason?: string): Promise<Published> {
    const { project_id, actor } = caller;
    const open = await draftRepository(tx).findOpen(project_id, workflow);
    if (!open) throw new AppError('state_conflict', { detail: 'The workflow has no open draft.' });
    const draft = requireOpen(existing(await draftRepository(tx).lock(project_id, open.id)));
    const work = await readTag(tx, project_id, draft.tag);
    if (!work) throw new AppError('state_conflict', { detail: 'Nothing was changed in the draft yet.' });
    const head = await readTag(tx, project_id, workflow);
    if ((head?.target_id ?? null) !== draft.base_id) throw movedOn(draft, head);
    const expectation = head ? { if_match: head.version } : { expected: null };
    const store = storeAt(tx);
    const { tag } = await store.tags.put(caller, workflow, { target: work.target_id, expectation, reason });
    await store.tags.delete(caller, draft.tag, {
      expectation: { if_match: work.version },
      reason: 'It was published.',
    });
    await proposalRepository(tx).rejectAll(draft.id, actor, 'The draft was published without it.');
    const closing = { state: 'published', closed_by: actor } as const;
    const published = { published_id: tag.target_id, published_number: tag.version };
    return { draft: await draftRepository(tx).close(draft.id, { ...closing, ...published }), tag };
  }

  return {
    /**
     * Moves the workflow's tag to its draft, which is closed by it; proposals stay to be read. Throws `not_found`, and
     * `state_conflict` without a draft, for one without a change, and where the workflow moved on since it began.
     */
    async publish(caller: Caller, ref: string, reason?: string): Promise<Published> {
      const { workflow } = await refs.find(caller.project_id, ref);
      if (workflow === null) throw new AppError('not_found');
      return db.transaction((tx) => publish(tx, caller, workflow, reason));
    },

    /**
     * Merges what the workflow's tag has into the draft, which starts from there then. Throws `not_found`, `state_conflict`,
     * and `merge_conflict` for what `resolutions` do not settle.
     */
    async rebase(caller: Caller, draft_id: string, resolutions?: unknown): Promise<DraftRow> {
      const { project_id } = caller;
      return db.transaction(async (tx) => {
        const drafts = draftRepository(tx);
        const draft = requireOpen(existing(await drafts.lock(project_id, draft_id)));
        const head = await readTag(tx, project_id, draft.workflow);
        const work = await readTag(tx, project_id, draft.tag);
        if (!head)
          throw new AppError('state_conflict', { detail: 'The workflow has no version to start from.' });
        if (work)
          await storeAt(tx).merges.merge(caller, {
            ours: work.target_id,
            theirs: head.target_id,
            tag: draft.tag,
            expectation: { if_match: work.version },
            resolutions,
            message: `Goes on from version ${head.version}.`,
          });
        await drafts.rebase(draft_id, { base_id: head.target_id, base_hash: head.target_hash });
        return existing(await drafts.find(project_id, draft_id));
      });
    },
  };
}

export type PublishService = ReturnType<typeof publishService>;

function movedOn(draft: DraftRow, head: TagRow | undefined): AppError {
  const detail = 'The workflow moved on since this draft began; rebase the draft (POST /drafts/{id}/rebase).';
  return new AppError('state_conflict', {
    detail,
    extra: { draft_id: draft.id, base: draft.base_hash, head: head?.target_hash ?? null },
  });
}
