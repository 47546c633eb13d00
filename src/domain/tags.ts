import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { readTag, type TagReading, type TagRow } from '../persistence/tags.ts';
import {
  listMoves,
  listTags,
  readMoveAt,
  type TagFilter,
  type TagMoveRow,
  type TagThenRow,
} from '../persistence/tags-list.ts';
import type { AncestryService } from './ancestry.ts';
import type { Caller } from './refs.ts';
import { decideTag, type Expectation, type TagCommand } from './rules/tag-move.ts';
import { isTagName, requireTagName } from './rules/tag-name.ts';
import { triesFor, untilWon } from './tags-attempt.ts';
import { readFor } from './tags-read.ts';
import { type BrokenGlass, type TagChange, writeApproved } from './tags-write.ts';

export interface Page<T, K> {
  items: T[];
  /** The key of the last item when there are more. */
  next?: K;
}

export interface TagRequest {
  expectation: Expectation;
  reason?: string;
  /** Go past role and approvals, never past If-Match. Needs the permission and a reason, and is recorded. */
  break_glass?: boolean;
}

export interface MoveRequest extends TagRequest {
  /** Artifact id, version hash, or the name of a tag that points at it. */
  target: string;
  protect?: boolean;
  /** Only to a version that comes from the one the tag points at. */
  fast_forward_only?: boolean;
}

export interface TagService {
  get(project_id: string, name: string): Promise<TagRow>;
  /** What the tag was at a time, to the millisecond, and what made it so; a time to come is now. */
  at(project_id: string, name: string, as_of: Date): Promise<TagThenRow>;
  /** By name, after `page.after`. */
  list(filter: TagFilter, page: { after?: string; limit: number }): Promise<Page<TagRow, string>>;
  /** Newest first, before entry `page.before`. A deleted tag keeps its history. */
  history(
    project_id: string,
    name: string,
    page: { before?: number; limit: number },
  ): Promise<Page<TagMoveRow, number>>;
  /** Creates the tag or moves it. Throws `not_fast_forward` when asked to. */
  put(caller: Caller, name: string, request: MoveRequest): Promise<TagChange>;
  /** Moves a tag that exists. */
  move(caller: Caller, name: string, request: MoveRequest): Promise<TagChange>;
  undo(caller: Caller, name: string, request: TagRequest): Promise<TagChange>;
  redo(caller: Caller, name: string, request: TagRequest): Promise<TagChange>;
  delete(caller: Caller, name: string, request: TagRequest): Promise<void>;
  /** Where every tag of a workflow stands, by name: at most 1,000. */
  positions(
    project_id: string,
    workflow: string,
  ): Promise<Pick<TagRow, 'name' | 'version' | 'target_id' | 'target_hash'>[]>;
}

export interface TagDeps {
  db: Db;
  ids: () => string;
  ancestry: Pick<AncestryService, 'isAncestor'>;
  onBreakGlass?: (event: BrokenGlass) => void;
}

const MAX_POSITIONS = 1_000;
const MAX_SEQ = 2_147_483_647;

/**
 * Every write throws what `decideTag` and `untilWon` throw, and `approval_required`. Two statements, unless another
 * writer was faster or a rule asks for approvals.
 */
export function tagService(deps: TagDeps): TagService {
  const { db } = deps;
  const change = async (
    command: TagCommand,
    caller: Caller,
    name: string,
    request: TagRequest & Partial<MoveRequest>,
  ) => {
    const { project_id, actor } = caller;
    const tag = { project_id, name };
    const attempt = async (at: Db) => {
      const reading = await readFor(at, command, tag, request.target);
      const decision = decideTag({ command, name, ...reading, ...request, writer: caller });
      if (request.fast_forward_only) await requireForward({ ...deps, db: at }, project_id, reading);
      return writeApproved({ db: at, ids: deps.ids }, { caller, name, ...request }, reading, decision);
    };
    const done = await untilWon(db, tag, attempt, triesFor(request.expectation));
    if (request.break_glass && done.outcome !== 'unchanged')
      deps.onBreakGlass?.({ project_id, tag: name, command, actor, reason: request.reason });
    return done;
  };
  const existing =
    (command: TagCommand) => (caller: Caller, name: string, request: TagRequest & Partial<MoveRequest>) => {
      if (!isTagName(name)) throw new AppError('not_found');
      return change(command, caller, name, request);
    };
  return {
    get: async (project_id, name) => found(isTagName(name) && (await readTag(db, project_id, name))),
    at: async (project_id, name, as_of) =>
      found(isTagName(name) && (await readMoveAt(db, { project_id, name }, as_of))),
    list: async (filter, { after = '', limit }) =>
      page(await listTags(db, filter, { after, limit: limit + 1 }), limit, (tag) => tag.name),
    history: async (project_id, name, { before, limit }) => {
      if (!isTagName(name)) throw new AppError('not_found');
      const rows = await listMoves(db, { project_id, name }, { before: before ?? MAX_SEQ, limit: limit + 1 });
      if (rows.length === 0 && before === undefined) throw new AppError('not_found');
      return page(rows, limit, (move) => move.seq);
    },
    put: async (caller, name, request) => change('put', caller, requireTagName(name), request),
    move: async (caller, name, request) => existing('move')(caller, name, request),
    undo: async (caller, name, request) => existing('undo')(caller, name, request),
    redo: async (caller, name, request) => existing('redo')(caller, name, request),
    delete: async (caller, name, request) => void (await existing('delete')(caller, name, request)),
    positions: (project_id, workflow) =>
      listTags(db, { project_id, workflow }, { after: '', limit: MAX_POSITIONS }),
  };
}

/** Throws `not_fast_forward` when the tag would leave a version that the target does not come from. */
async function requireForward(
  { db, ancestry }: TagDeps,
  project_id: string,
  { current, destination }: TagReading,
): Promise<void> {
  if (!current || !destination) return;
  const question = { ancestor: current.target_id, descendant: destination.id };
  if (!(await ancestry.isAncestor(project_id, question, db))) throw new AppError('not_fast_forward');
}

/** Cuts the one row too many that shows whether there are more. */
export function page<T, K>(rows: T[], limit: number, key: (row: T) => K): Page<T, K> {
  const items = rows.slice(0, limit);
  return rows.length > limit ? { items, next: key(items.at(-1)!) } : { items };
}

function found<T>(row: T | false | undefined): T {
  if (!row) throw new AppError('not_found');
  return row;
}
