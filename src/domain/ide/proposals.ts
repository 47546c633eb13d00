import type { AgePlace } from '../../contract/age-place.ts';
import { AppError } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Db } from '../../persistence/db.ts';
import { draftRepository, type DraftRow } from '../../persistence/drafts.ts';
import { type ProposalFilter, proposalRepository, type ProposalRow } from '../../persistence/proposals.ts';
import { readTag, type TagRow } from '../../persistence/tags.ts';
import type { DefinitionService } from '../materialise.ts';
import type { Caller } from '../refs.ts';
import { diffDefinitions } from '../rules/diff.ts';
import { applyPatch } from '../rules/json-patch.ts';
import { mergeDefinitions } from '../rules/merge.ts';
import type { StoreAt } from '../store.ts';
import { requireVersions } from '../gc-keep.ts';
import { longPoll, type Wait } from '../long-poll.ts';
import type { RunFeed } from '../run-feed.ts';
import { type DraftService, existing, requireOpen } from './drafts.ts';
import { blankDefinition } from './blank-definition.ts';
import { judged, type Judgement } from './judged.ts';
import { orConflict } from './raced.ts';

export interface ProposalDeps {
  db: Db;
  ids: () => string;
  drafts: Pick<DraftService, 'open'>;
  definitions: Pick<DefinitionService, 'read'>;
  storeAt: (tx: Db) => StoreAt;
  /** Tells of proposals, too. */
  feed: Pick<RunFeed, 'follow'>;
  /** Has it worked out. */
  start: (proposal: { id: string; project_id: string }) => Promise<void>;
}

export interface Wish {
  workflow: string;
  instructions: string;
  context?: JsonObject;
}

/** A proposal with what it would change, and whether that would be a definition. */
export type ProposalView = ProposalRow & Judgement;

/** Changes that an engine writes and a person decides on. */
export function proposalService(deps: ProposalDeps) {
  const { db, ids, drafts, definitions, storeAt } = deps;
  const proposals = proposalRepository(db);

  async function baseOf(
    { project_id, workflow, base_id, base_hash }: Based,
    at: Db = db,
  ): Promise<JsonObject> {
    if (base_id === null || base_hash === null) return blankDefinition(workflow);
    const pinned = { artifact_id: base_id, version_hash: base_hash };
    return (await definitions.read(project_id, pinned, at)) as unknown as JsonObject;
  }

  async function view(proposal: ProposalRow): Promise<ProposalView> {
    if (proposal.patch === null) return { ...proposal, diff: null, validation: null };
    const before = await baseOf(proposal);
    return { ...proposal, ...judged(before, proposal.patch) };
  }

  /** The draft and the proposal, held in this order by whoever changes them. */
  async function locked(tx: Db, project_id: string, id: string) {
    const { draft_id } = existing(await proposalRepository(tx).find(project_id, id));
    const draft = existing(await draftRepository(tx).lock(project_id, draft_id));
    return { draft, proposal: existing(await proposalRepository(tx).lock(project_id, id)) };
  }

  /** Undefined: the draft is closed. Its version is held from now on, whatever becomes of the draft. */
  async function ask(
    tx: Db,
    { project_id, actor }: Caller,
    draft_id: string,
    { instructions, context }: Wish,
  ): Promise<string | undefined> {
    const draft = existing(await draftRepository(tx).lock(project_id, draft_id));
    if (draft.state !== 'open') return undefined;
    const tag = await readTag(tx, project_id, draft.tag);
    if (tag) await requireVersions(tx, project_id, [tag.target_id]);
    const base = { base_id: tag?.target_id ?? null, base_hash: tag?.target_hash ?? null };
    const id = ids();
    const asked = { instructions, context: context ?? null, created_by: actor, ...base };
    await proposalRepository(tx).insert({ id, project_id, draft_id, thread_id: ids(), ...asked });
    return id;
  }

  async function apply(tx: Db, caller: Caller, draft: DraftRow, proposal: ProposalRow): Promise<string> {
    const tag = await readTag(tx, caller.project_id, draft.tag);
    if ((tag?.target_id ?? null) !== proposal.base_id) throw movedOn(proposal, tag);
    const { patch, message } = proposal;
    if (patch === null || patch.length === 0)
      throw new AppError('state_conflict', { detail: 'The proposal changes nothing.' });
    const expectation = tag ? { if_match: tag.version } : { expected: null };
    const said = (message ?? '').slice(0, MAX_MESSAGE) || undefined;
    const write = { tag: draft.tag, message: said, expectation };
    const store = storeAt(tx);
    if (tag) return (await store.patches.create(caller, { ...write, operations: patch })).head.id;
    const definition = applyPatch(blankDefinition(draft.workflow), patch);
    return (await store.workflows.save(caller, { ...write, definition })).head.id;
  }

  return {
    /** Asks for a change. Throws what opening a draft throws. */
    async refine(caller: Caller, wish: Wish): Promise<ProposalRow> {
      const { project_id } = caller;
      for (;;) {
        const { draft } = await drafts.open(caller, wish.workflow);
        const id = await db.transaction((tx) => ask(tx, caller, draft.id, wish));
        // It was closed meanwhile.
        if (id === undefined) continue;
        // As it was accepted: the work may be over before the start is answered.
        const accepted = existing(await proposals.find(project_id, id));
        await deps.start({ id, project_id });
        return accepted;
      }
    },

    /** Throws `not_found`. */
    async get(project_id: string, id: string): Promise<ProposalView> {
      return view(existing(await proposals.find(project_id, id)));
    },

    /** The proposal once nobody works on it any more, or the time is up. Throws `not_found`. */
    async waitFor(project_id: string, id: string, wait: Wait): Promise<ProposalView> {
      const look = async () => {
        const found = existing(await proposals.find(project_id, id));
        return { found: found.status === 'processing' ? undefined : found };
      };
      // Only the end is worth another look at the row.
      const follow = (wake: () => void) => deps.feed.follow(id, (ended) => void (ended && wake()));
      const over = await longPoll(look, follow, wait);
      return over ? view(over) : this.get(project_id, id);
    },

    /** Throws `not_found`, also for a thread of another project. */
    async ofThread(project_id: string, thread_id: string): Promise<ProposalRow> {
      return existing(await proposals.findByThread(project_id, thread_id));
    },

    list: (project_id: string, filter: ProposalFilter, limit: number, after?: AgePlace) =>
      proposals.list(project_id, filter, limit, after),

    /**
     * Applies the proposal to its draft and supersedes the others, in one transaction. Throws `not_found`, `state_conflict`
     * unless it is completed and the draft is as it was, and what saving a patch throws.
     */
    async approve(caller: Caller, id: string, reason?: string): Promise<ProposalView> {
      const { project_id, actor } = caller;
      const approving = db.transaction(async (tx) => {
        const { draft, proposal } = await locked(tx, project_id, id);
        requireStatus(proposal, ['completed']);
        const applied_id = await apply(tx, caller, requireOpen(draft), proposal);
        const rows = proposalRepository(tx);
        await rows.resolve(id, { status: 'approved', by: actor, reason, applied_id });
        await rows.supersede(draft.id, { id, actor });
      });
      await orConflict(approving, MOVED_ON);
      return this.get(project_id, id);
    },

    /** The draft stays as it is. Throws `not_found`, and `state_conflict` for one that was decided on. */
    async reject(caller: Caller, id: string, reason?: string): Promise<ProposalView> {
      const { project_id, actor } = caller;
      await db.transaction(async (tx) => {
        const { proposal } = await locked(tx, project_id, id);
        requireStatus(proposal, ['processing', 'completed', 'failed']);
        await proposalRepository(tx).resolve(id, { status: 'rejected', by: actor, reason });
      });
      return this.get(project_id, id);
    },

    /**
     * The same change against the draft as it is now. Throws `not_found`, `state_conflict` unless it is completed, and
     * `merge_conflict` where both changed the same values differently.
     */
    async rebase(caller: Caller, id: string): Promise<ProposalView> {
      const { project_id } = caller;
      await db.transaction(async (tx) => {
        const { draft, proposal } = await locked(tx, project_id, id);
        requireStatus(proposal, ['completed']);
        const tag = await readTag(tx, project_id, requireOpen(draft).tag);
        if (!tag || tag.target_id === proposal.base_id) return;
        const base = await baseOf(proposal, tx);
        const theirs = applyPatch(base, proposal.patch) as JsonObject;
        await requireVersions(tx, project_id, [tag.target_id]);
        const now = { base_id: tag.target_id, base_hash: tag.target_hash };
        const ours = await baseOf({ project_id, workflow: draft.workflow, ...now }, tx);
        const { draft: merged, conflicts } = mergeDefinitions(base, ours, theirs);
        if (conflicts.length > 0) throw new AppError('merge_conflict', { extra: { conflicts } });
        const { operations } = diffDefinitions(ours, merged);
        await proposalRepository(tx).rebase(id, now, operations);
      });
      return this.get(project_id, id);
    },
  };
}

export type ProposalService = ReturnType<typeof proposalService>;

type Based = Pick<ProposalRow, 'project_id' | 'workflow' | 'base_id' | 'base_hash'>;

const MAX_MESSAGE = 1_000;
const MOVED_ON =
  'The draft moved on since this was proposed; rebase the proposal (POST /proposals/{id}/rebase).';

function requireStatus({ status }: ProposalRow, wanted: readonly ProposalRow['status'][]): void {
  if (wanted.includes(status)) return;
  throw new AppError('state_conflict', {
    detail: `The proposal is ${status}.`,
    extra: { proposal_status: status },
  });
}

function movedOn({ base_hash }: ProposalRow, tag: TagRow | undefined): AppError {
  return new AppError('state_conflict', {
    detail: MOVED_ON,
    extra: { base: base_hash, head: tag?.target_hash ?? null },
  });
}
