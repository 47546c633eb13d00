import { AppError } from '../contract/errors.ts';
import { insertArtifact } from '../persistence/artifacts.ts';
import type { Db } from '../persistence/db.ts';
import {
  deleteEmptyWorkflow,
  insertWorkflow,
  listVersions,
  listWorkflows,
  type VersionRow,
} from '../persistence/workflows.ts';
import type { RefRow } from '../persistence/workflows-resolve.ts';
import { encodeDefinition, type EncodedDefinition } from './blobs-encode.ts';
import type { DefinitionService } from './materialise.ts';
import type { Caller, RefService } from './refs.ts';
import type { Expectation } from './rules/tag-move.ts';
import { isTagName, requireTagName } from './rules/tag-name.ts';
import { type Page, page, type TagRequest, type TagService } from './tags.ts';
import { triesFor, untilWon } from './tags-attempt.ts';
import { type BrokenGlass, brokenBySave } from './tags-write.ts';
import { type Head, readHead, saveVersion } from './workflows-save.ts';

export interface SaveRequest {
  tag: string;
  /** The definition as the caller sent it. */
  definition: unknown;
  message?: string;
  expectation: Expectation;
  /** As for a move; the message is the reason then. */
  break_glass?: boolean;
}

export interface SaveResult {
  /** False when the tag points at just this definition already. */
  changed: boolean;
  head: Head;
}

export interface WorkflowService {
  /** Saves a definition under a tag. Throws `definition_invalid`, `validation_failed`, and what `passGate` throws. */
  save(caller: Caller, request: SaveRequest): Promise<SaveResult>;
  /** Makes a workflow without a version; `created` is false for one that is just so already. */
  createEmpty(
    caller: Caller,
    request: { name: string; description: string },
  ): Promise<{ created: boolean; workflow: RefRow }>;
  /** By name, after `page.after`. */
  list(
    filter: { project_id: string; prefix?: string },
    page: { after?: string; limit: number },
  ): Promise<Page<RefRow, string>>;
  /** Deletes the tag that `ref` means, or a workflow without any. */
  delete(caller: Caller, ref: string, request: TagRequest): Promise<void>;
  /** The versions of the tag that `ref` means, newest first, below number `page.before`. */
  versions(
    project_id: string,
    ref: string,
    page: { before?: number; limit: number },
  ): Promise<Page<VersionRow, number>>;
  version(project_id: string, ref: string, number: number): Promise<VersionRow>;
  /** The name of the tag that `ref` means. Throws `validation_failed` for a hash, which names no tag. */
  tagOf(project_id: string, ref: string): Promise<string>;
}

export interface WorkflowDeps {
  db: Db;
  ids: () => string;
  refs: Pick<RefService, 'find'>;
  tags: Pick<TagService, 'delete'>;
  definitions: Pick<DefinitionService, 'remember'>;
  onBreakGlass?: (event: BrokenGlass) => void;
}

const MAX_NUMBER = 2_147_483_647;

export function workflowService(deps: WorkflowDeps): WorkflowService {
  const { db, ids, refs } = deps;
  const tagOf = async (project_id: string, ref: string) =>
    isTagName(ref) ? ref : headTag(await refs.find(project_id, ref));
  const versions: WorkflowService['versions'] = async (project_id, ref, { before = MAX_NUMBER, limit }) => {
    const name = await tagOf(project_id, ref);
    const rows = await listVersions(db, { project_id, name }, { before, limit: limit + 1 });
    if (rows.length === 0) await refs.find(project_id, ref);
    return page(rows, limit, (row) => row.number);
  };
  return {
    save: async (caller, request) => {
      const tag = { project_id: caller.project_id, name: requireTagName(request.tag, '/tag_name') };
      const encoded = encodeDefinition(request.definition);
      const attempt = async (at: Db) => {
        const head = await readHead(at, tag, request.expectation, { ...request, writer: caller });
        if (head?.version_hash === encoded.cas_id) return { changed: false, head };
        return saveDefinition({ ...deps, db: at }, caller, request, { head, encoded });
      };
      const done = await untilWon(db, tag, attempt, triesFor(request.expectation));
      if (request.break_glass && done.changed) deps.onBreakGlass?.(brokenBySave(caller, request));
      return done;
    },
    createEmpty: async (caller, { name, description }) => {
      if (requireTagName(name).includes('/')) throw segmentOnly();
      const { project_id, actor: created_by } = caller;
      const created = await insertWorkflow(db, { id: ids(), project_id, name, description, created_by });
      const workflow = await refs.find(project_id, name);
      if (created || (workflow.tag === null && workflow.description === description))
        return { created, workflow };
      throw new AppError('state_conflict', { detail: `The project has a workflow ${name}.` });
    },
    list: async (filter, { after = '', limit }) =>
      page(await listWorkflows(db, filter, { after, limit: limit + 1 }), limit, (row) => row.workflow!),
    delete: async (caller, ref, request) => {
      const row = await refs.find(caller.project_id, ref);
      if (row.tag !== null) return deps.tags.delete(caller, row.tag, request);
      if (row.workflow_id === null || row.id !== null) throw notATag();
      if (!(await deleteEmptyWorkflow(db, caller.project_id, row.workflow_id)))
        throw new AppError('not_found');
    },
    versions,
    version: async (project_id, ref, number) => {
      const [row] = (
        await versions(project_id, ref, { before: Math.min(number, MAX_NUMBER - 1) + 1, limit: 1 })
      ).items;
      if (row?.number !== number) throw new AppError('not_found');
      return row;
    },
    tagOf,
  };
}

function headTag(row: RefRow): string {
  if (row.workflow === null || (row.id !== null && row.tag === null)) throw notATag();
  return row.workflow;
}

interface Change {
  head?: Head;
  encoded: EncodedDefinition;
}

async function saveDefinition(
  deps: WorkflowDeps,
  caller: Caller,
  request: SaveRequest,
  { head, encoded }: Change,
): Promise<SaveResult> {
  const id = deps.ids();
  const { project_id, actor: created_by } = caller;
  const { cas_id, nodes_count, edges_count } = encoded;
  const kind = 'dag_version' as const;
  const facts = { id, project_id, kind, cas_id, version_hash: cas_id, nodes_count, edges_count, created_by };
  const { message, break_glass } = request;
  const parents = head ? [head.id] : [];
  const saved = await saveVersion(deps.db, {
    caller,
    tag: request.tag,
    head,
    artifact: { id, kind },
    blobs: [encoded],
    written: encoded.bytes,
    reason: message,
    break_glass,
    insert: (tx) => insertArtifact(tx, { ...facts, parents, message }),
    ids: deps.ids,
  });
  deps.definitions.remember(project_id, encoded);
  return { changed: true, head: saved };
}

const invalid = (path: string, message: string) =>
  new AppError('validation_failed', { detail: message, errors: [{ path, message }] });
const notATag = () => invalid('/path/ref', 'Only a tag can do that; a version never changes.');
const segmentOnly = () => invalid('/name', 'The name of a workflow is one segment, without "/".');
