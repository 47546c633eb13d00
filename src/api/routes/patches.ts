import { z } from 'zod';
import type { PatchService } from '../../domain/patches.ts';
import { PROBLEM_MEDIA_TYPE } from '../error-handler.ts';
import { route, type Route } from '../route.ts';
import {
  createPatchBody,
  patchParams,
  patchView,
  previewView,
  revertPatchBody,
  revertProblem,
} from '../schemas/patches.ts';
import { versionHeader } from '../schemas/tags.ts';
import { patchReply, patchViewOf, patchWriteOf, previewReply } from './patches-views.ts';
import { callerOf } from './tags-views.ts';

interface Deps {
  patches: PatchService;
}

const group = 'patches';
const created = { description: 'The new head.', schema: patchView, headers: versionHeader };
const unchanged = {
  description: 'Nothing to change: the head as it was.',
  schema: patchView,
  headers: versionHeader,
};

/** Patches: JSON Patches on definitions, each stored as a version of its own. */
export function patchRoutes(deps: Deps): Route[] {
  return [createRoute(deps), getRoute(deps), revertRoute(deps)];
}

const createRoute = ({ patches }: Deps) =>
  route({
    method: 'post',
    path: '/patches',
    group,
    summary: 'Patch what a tag points at, and move the tag to the result; or see what that would make.',
    body: createPatchBody,
    responses: {
      200: {
        ...unchanged,
        description: 'Nothing to change: the head as it was. Or, with `dry_run`, what there would be.',
        schema: z.union([patchView, previewView]),
      },
      201: created,
    },
    async handler(call) {
      const { operations, dry_run } = call.body;
      const request = { ...patchWriteOf(call), operations };
      if (dry_run) return previewReply(await patches.preview(callerOf(call), request));
      return patchReply(await patches.create(callerOf(call), request));
    },
  });

const getRoute = ({ patches }: Deps) =>
  route({
    method: 'get',
    path: '/patches/:id',
    group,
    summary: 'A patch with its operations.',
    params: patchParams,
    responses: { 200: { description: 'The patch.', schema: patchView } },
    async handler({ params, project_id }) {
      const patch = await patches.get(project_id, params.id);
      return { status: 200, body: { ...patchViewOf(patch), operations: patch.operations } };
    },
  });

const revertRoute = ({ patches }: Deps) =>
  route({
    method: 'post',
    path: '/patches/:id/revert',
    group,
    summary: 'Take back a patch, wherever it is in the chain, by a new one on the head of a tag.',
    params: patchParams,
    body: revertPatchBody,
    responses: {
      200: unchanged,
      201: created,
      409: {
        description: '`revert_conflict` with the later patches that depend on it, or another state.',
        schema: revertProblem,
        media_type: PROBLEM_MEDIA_TYPE,
      },
    },
    handler: async (call) =>
      patchReply(await patches.revert(callerOf(call), call.params.id, patchWriteOf(call))),
  });
