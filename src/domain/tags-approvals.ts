import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import {
  type ApprovalPlace,
  type ApprovalRow,
  deleteApprovals,
  insertApproval,
  listApprovals,
} from '../persistence/tags-approvals.ts';
import type { Caller } from './refs.ts';
import { checkExpectation, type Expectation, requireRole } from './rules/tag-move.ts';
import { isTagName, requireTagName } from './rules/tag-name.ts';
import { guardOf } from './rules/tag-rule.ts';
import { type Page, page } from './tags.ts';
import { readFor } from './tags-read.ts';

export interface ApprovalRequest {
  /** Where the tag shall go: what `move` takes, or null for its deletion. */
  target: string | null;
  comment?: string;
  expectation: Expectation;
}

export interface ApprovalService {
  /**
   * Approves one change of a tag: from the version it has now to this target; any other move voids it. The tag need
   * not exist yet. Throws what `checkExpectation` throws, `forbidden` unless the caller has the role that the tag's
   * guard asks for, `not_found`.
   */
  approve(
    caller: Caller,
    name: string,
    request: ApprovalRequest,
  ): Promise<{ created: boolean; approval: ApprovalRow }>;
  /** Newest version first; what changes were made with stays. */
  list(
    tag: { project_id: string; name: string; version?: number },
    page: { after?: ApprovalPlace; limit: number },
  ): Promise<Page<ApprovalRow, ApprovalPlace>>;
  /** Takes back what the caller has approved on the tag as it is now. Throws `not_found` when that is nothing. */
  withdraw(caller: Caller, name: string): Promise<void>;
}

export function approvalService({ db }: { db: Db }): ApprovalService {
  return {
    approve: async (caller, name, { target, comment, expectation }) => {
      const { project_id, actor } = caller;
      const tag = { project_id, name: requireTagName(name) };
      const { current, destination, rules } = await readFor(db, 'put', tag, target ?? undefined);
      if (target === null ? !current : !destination) throw new AppError('not_found');
      checkExpectation(current, expectation);
      const guard = guardOf(name, current?.protected ?? false, rules);
      if (guard) requireRole(caller, guard);
      const change = { project_id, tag: name, version: current?.version, target_id: destination?.id ?? null };
      const { created, ...approval } = await insertApproval(db, change, { actor, comment });
      return { created, approval };
    },
    list: async (tag, { after, limit }) => {
      if (!isTagName(tag.name)) throw new AppError('not_found');
      return page(await listApprovals(db, tag, { after, limit: limit + 1 }), limit, placeOf);
    },
    withdraw: async ({ project_id, actor }, name) => {
      if (!isTagName(name) || !(await deleteApprovals(db, { project_id, name }, actor)))
        throw new AppError('not_found');
    },
  };
}

const placeOf = ({ tag_version, target_id, approved_by }: ApprovalRow): ApprovalPlace => ({
  tag_version,
  target_id,
  approved_by,
});
