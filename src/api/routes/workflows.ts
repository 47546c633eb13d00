import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { DefinitionService } from '../../domain/materialise.ts';
import type { PatchService } from '../../domain/patches.ts';
import type { RefService } from '../../domain/refs.ts';
import type { WorkflowService } from '../../domain/workflows.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { operations } from '../schemas/artifacts.ts';
import { page, rowText } from '../schemas/conventions.ts';
import { dryRunQuery, previewView } from '../schemas/patches.ts';
import { runView } from '../schemas/runs.ts';
import { deleteTagQuery, versionHeader } from '../schemas/tags.ts';
import { listWorkflowsQuery, readWorkflowQuery, workflowParams, workflowView } from '../schemas/workflows.ts';
import { previewReply } from './patches-views.ts';
import { callerOf, tagRequestOf } from './tags-views.ts';
import type { WorkflowRuns } from './workflows-runs.ts';
import { workflowReply, workflowViewOf } from './workflows-views.ts';

interface Deps {
  workflows: WorkflowService;
  refs: Pick<RefService, 'find'>;
  definitions: Pick<DefinitionService, 'read'>;
  patches: Pick<PatchService, 'create' | 'preview'>;
  /** Absent where there are no runs. */
  runs?: WorkflowRuns;
}

const group = 'workflows';
const here = { description: 'The workflow.', schema: workflowView, headers: versionHeader };

/** Workflows as resources: what their tags point at, read, patched and deleted. */
export function workflowRoutes(deps: Deps): Route[] {
  return [listRoute(deps), getRoute(deps), patchRoute(deps), deleteRoute(deps)];
}

const listRoute = ({ workflows, runs }: Deps) =>
  route({
    method: 'get',
    path: '/workflows',
    group,
    summary: 'Workflows by name, each with what its head tag points at; with `type` or `status`, runs.',
    query: listWorkflowsQuery,
    responses: { 200: { description: 'One page.', schema: page(z.union([workflowView, runView])) } },
    async handler({ query, project_id }) {
      const { limit, cursor, prefix, type, status } = query;
      if (type !== undefined || status !== undefined) {
        if (!runs) throw new AppError('not_implemented');
        return { status: 200, body: await runs.list(project_id, query) };
      }
      const after = decodeCursor(cursor, { name: rowText })?.name;
      const found = await workflows.list({ project_id, prefix }, { after, limit });
      return pageReply(
        found,
        (name) => ({ name }),
        (row) => workflowViewOf(row, project_id),
      );
    },
  });

const getRoute = ({ refs, definitions, runs }: Deps) =>
  route({
    method: 'get',
    path: '/workflows/:ref',
    group,
    summary: 'What a tag name, workflow, artifact or run id, or version hash means now.',
    params: workflowParams,
    query: readWorkflowQuery,
    responses: { 200: { ...here, schema: z.union([workflowView, runView]) } },
    async handler({ params, query, project_id }) {
      const run = await runs?.find(project_id, params.ref);
      if (run) return { status: 200, body: run };
      const row = await refs.find(project_id, params.ref);
      const { id, version_hash } = row;
      const pinned =
        query.materialize && id !== null && version_hash !== null
          ? { artifact_id: id, version_hash }
          : undefined;
      const definition = pinned && (await definitions.read(project_id, pinned));
      return workflowReply(row, project_id, definition);
    },
  });

const patchRoute = ({ workflows, patches }: Deps) =>
  route({
    method: 'patch',
    path: '/workflows/:ref',
    group,
    summary: 'Patch what a tag points at, and move the tag to the result.',
    params: workflowParams,
    query: dryRunQuery,
    body: operations,
    body_media_types: ['application/json-patch+json'],
    responses: {
      200: {
        ...here,
        description:
          'The head as it is now, unchanged when there was nothing to change. Or, with `dry_run`, what there would be.',
        schema: z.union([workflowView, previewView]),
      },
    },
    async handler(call) {
      const tag = await workflows.tagOf(call.project_id, call.params.ref);
      const request = { tag, operations: call.body, expectation: { if_match: call.if_match } };
      if (call.query.dry_run) return previewReply(await patches.preview(callerOf(call), request));
      const { head } = await patches.create(callerOf(call), request);
      return workflowReply(head, call.project_id);
    },
  });

const deleteRoute = ({ workflows }: Deps) =>
  route({
    method: 'delete',
    path: '/workflows/:ref',
    group,
    summary: 'Delete the tag; its history and its versions stay.',
    params: workflowParams,
    query: deleteTagQuery,
    responses: { 204: { description: 'It is gone.' } },
    async handler(call) {
      const request = tagRequestOf({ if_match: call.if_match, body: call.query });
      await workflows.delete(callerOf(call), call.params.ref, request);
      return { status: 204 };
    },
  });
