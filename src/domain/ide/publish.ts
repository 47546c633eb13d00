import { AppError } from '../../contract/errors.ts';
import type { Db } from '../../persistence/db.ts';
import { draftRepository, type DraftRow } from '../../persistence/drafts.ts';
import { proposalRepository } from '../../persistence/proposals.ts';
import { readTag, type TagRow } from '../../persistence/tags.ts';
import type { Caller, RefService } from '../refs.ts';
import type { StoreAt } from '../store.ts';
import { existing, requireOpen } from './drafts.ts';
import { CHANGED_MEANWHILE, orConflict } from './raced.ts';

interface Deps {
  db: Db;
  refs: Pick<RefService, 'find'>;
  storeAt: (tx: Db) => StoreAt;
}

export interface Publication {
  /** Why; kept in the history of the tag. */
  reason?: string;
  /** Proposals that are still worked on are given up for it. */
  discard_proposals?: boolean;
}

export interface Published {
  draft: DraftRow;
  /** Proposals nobody had decided on; they are rejected by it. */
  rejected: string[];
  /** The workflow's own tag, as it is now; its version is the number that was published. */
  tag: TagRow;
}

/** Brings the work of a draft to its workflow. */
export function publishService({ db, refs, storeAt }: Deps) {
  async function publish(
    tx: Db,
    caller: Caller,
    workflow: string,
    { reason, discard_proposals = false }: Publication,
  ): Promise<Published> {
    const { project_id, actor } = caller;
    const open = await draftRepository(tx).findOpen(project_id, workflow);
    if (!open) throw new AppError('state_conflict', { detail: 'The workflow has no open draft.' });
    const draft = requireOpen(existing(await draftRepository(tx).lock(project_id, open.id)));
    const work = await readTag(tx, project_id, draft.tag);
    if (!work || work.target_hash === draft.base_hash) throw unchanged(draft);
    const head = await readTag(tx, project_id, workflow);
    if ((head?.target_id ?? null) !== draft.base_id) throw movedOn(draft, head);
    if (!discard_proposals) await requireNoneAtWork(tx, draft);
    const expectation = head ? { if_match: head.version } : { expected: null };
    const store = storeAt(tx);
    const { tag } = await store.tags.put(caller, workflow, { target: work.target_id, expectation, reason });
    await store.tags.delete(caller, draft.tag, {
      expectation: { if_match: work.version },
      reason: 'It was published.',
    });
    const why = 'The draft was published without it.';
    const rejected = await proposalRepository(tx).rejectAll(draft.id, actor, why);
    const closing = { state: 'published', closed_by: actor } as const;
    const published = { published_id: tag.target_id, published_number: tag.version };
    return { draft: await draftRepository(tx).close(draft.id, { ...closing, ...published }), tag, rejected };
  }

  return {
    /**
     * Moves the workflow's tag to its draft, which is closed by it; proposals stay to be read. Throws `not_found`, and
     * `state_conflict` without a draft, for one without a change, where the workflow moved on since it began, and while a
     * proposal is worked on, unless it is to be discarded.
     */
    async publish(caller: Caller, ref: string, how: Publication = {}): Promise<Published> {
      const { workflow } = await refs.find(caller.project_id, ref);
      if (workflow === null) throw new AppError('not_found');
      const publishing = db.transaction((tx) => publish(tx, caller, workflow, how));
      return orConflict(publishing, CHANGED_MEANWHILE);
    },

    /**
     * Merges what the workflow's tag has into the draft, which starts from there then. Throws `not_found`, `state_conflict`,
     * and `merge_conflict` for what `resolutions` do not settle.
     */
    async rebase(caller: Caller, draft_id: string, resolutions?: unknown): Promise<DraftRow> {
      const { project_id } = caller;
      const rebasing = db.transaction(async (tx) => {
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
      return orConflict(rebasing, CHANGED_MEANWHILE);
    },
  };
}

export type PublishService = ReturnType<typeof publishService>;

const NAMED = 100;

/** What is still worked on was seen by nobody. Whoever asks for more meanwhile waits for the draft, and then finds it closed. */
async function requireNoneAtWork(tx: Db, { project_id, id }: DraftRow): Promise<void> {
  const filter = { draft_id: id, status: 'processing' } as const;
  const at_work = await proposalRepository(tx).list(project_id, filter, NAMED);
  if (at_work.length === 0) return;
  const detail =
    'Proposals for the draft are still worked on: wait for them, reject them, or publish with "discard_proposals".';
  throw new AppError('state_conflict', {
    detail,
    extra: { draft_id: id, proposals: at_work.map((proposal) => proposal.id) },
  });
}

function unchanged({ id, base_hash }: DraftRow): AppError {
  return new AppError('state_conflict', {
    detail: 'Nothing was changed in the draft: it is the version that it began at.',
    extra: { draft_id: id, base: base_hash },
  });
}

function movedOn(draft: DraftRow, head: TagRow | undefined): AppError {
  const detail = 'The workflow moved on since this draft began; rebase the draft (POST /drafts/{id}/rebase).';
  return new AppError('state_conflict', {
    detail,
    extra: { draft_id: draft.id, base: draft.base_hash, head: head?.target_hash ?? null },
  });
}
