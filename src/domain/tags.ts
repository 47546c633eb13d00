import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { readForMove, readForStep, readTag, type TagReading, type TagRow } from '../persistence/tags.ts';
import { listMoves, listTags, type TagFilter, type TagMoveRow } from '../persistence/tags-list.ts';
import type { Caller } from './refs.ts';
import { decideTag, type Expectation, type TagCommand } from './rules/tag-move.ts';
import { isTagName, parseRef, requireTagName } from './rules/tag-name.ts';
import { type TagKey, triesFor, untilWon } from './tags-attempt.ts';
import { type TagChange, writeDecision } from './tags-write.ts';

export interface Page<T, K> {
  items: T[];
  /** The key of the last item when there are more. */
  next?: K;
}

export interface TagRequest {
  expectation: Expectation;
  reason?: string;
}

export interface MoveRequest extends TagRequest {
  /** Artifact id, version hash, or the name of a tag that points at it. */
  target: string;
  protect?: boolean;
}

export interface TagService {
  get(project_id: string, name: string): Promise<TagRow>;
  /** By name, after `page.after`. */
  list(filter: TagFilter, page: { after?: string; limit: number }): Promise<Page<TagRow, string>>;
  /** Newest first, before entry `page.before`. A deleted tag keeps its history. */
  history(
    project_id: string,
    name: string,
    page: { before?: number; limit: number },
  ): Promise<Page<TagMoveRow, number>>;
  /** Creates the tag or moves it. */
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
}

const MAX_POSITIONS = 1_000;
const MAX_SEQ = 2_147_483_647;

/** Every write throws what `decideTag` throws; two statements unless another writer was faster. */
export function tagService(deps: TagDeps): TagService {
  const { db } = deps;
  const change = (
    command: TagCommand,
    caller: Caller,
    name: string,
    request: TagRequest & Partial<MoveRequest>,
  ) => {
    const tag = { project_id: caller.project_id, name };
    const { expectation, protect } = request;
    const attempt = async (at: Db) => {
      const reading = await readFor(at, command, tag, request.target);
      const decision = decideTag({ command, ...reading, expectation, protect });
      return writeDecision({ db: at, ids: deps.ids }, { caller, name, ...request }, reading, decision);
    };
    return untilWon(db, tag, attempt, triesFor(expectation));
  };
  const existing =
    (command: TagCommand) => (caller: Caller, name: string, request: TagRequest & Partial<MoveRequest>) => {
      if (!isTagName(name)) throw new AppError('not_found');
      return change(command, caller, name, request);
    };
  return {
    get: async (project_id, name) => found(isTagName(name) && (await readTag(db, project_id, name))),
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

/** Cuts the one row too many that shows whether there are more. */
export function page<T, K>(rows: T[], limit: number, key: (row: T) => K): Page<T, K> {
  const items = rows.slice(0, limit);
  return rows.length > limit ? { items, next: key(items.at(-1)!) } : { items };
}

async function readFor(db: Db, command: TagCommand, tag: TagKey, target?: string): Promise<TagReading> {
  if (command === 'undo' || command === 'redo') return readForStep(db, tag, command);
  const ref = target === undefined ? undefined : parseRef(target);
  if (!ref) return { current: await readTag(db, tag.project_id, tag.name) };
  const reading = await readForMove(db, tag, ref);
  const { current, destination } = reading;
  // A hash means a content: a tag that has it is there already, by whichever of the artifacts that hold it.
  if (!destination || ref.kind !== 'hash' || current?.target_hash !== ref.value) return reading;
  return { current, destination: { ...destination, id: current.target_id, kind: current.target_kind } };
}

function found<T>(row: T | false | undefined): T {
  if (!row) throw new AppError('not_found');
  return row;
}
