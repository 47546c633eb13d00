import type { PatchService } from '../../domain/patches.ts';
import { route, type Route } from '../route.ts';
import { createPatchBody, patchParams, patchView } from '../schemas/patches.ts';
import { versionHeader } from '../schemas/tags.ts';
import { callerOf, etagOf, expectationOf } from './tags-views.ts';

interface Deps {
  patches: PatchService;
}

const group = 'patches';

/** Patches: JSON Patches on definitions, each stored as a version of its own. */
export function patchRoutes({ patches }: Deps): Route[] {
  return [
    route({
      method: 'post',
      path: '/patches',
      group,
      summary: 'Patch what a tag points at, and move the tag to the result.',
      body: createPatchBody,
      responses: {
        200: {
          description: 'Nothing to change: the head as it was.',
          schema: patchView,
          headers: versionHeader,
        },
        201: { description: 'The new head.', schema: patchView, headers: versionHeader },
      },
      async handler(call) {
        const { tag, operations, message } = call.body;
        const request = { tag, operations, message, expectation: expectationOf(call) };
        const { changed, head } = await patches.create(callerOf(call), request);
        return { status: changed ? 201 : 200, body: viewOf(head), headers: etagOf(head.tag_version) };
      },
    }),
    route({
      method: 'get',
      path: '/patches/:id',
      group,
      summary: 'A patch with its operations.',
      params: patchParams,
      responses: { 200: { description: 'The patch.', schema: patchView } },
      async handler({ params, project_id }) {
        const patch = await patches.get(project_id, params.id);
        return { status: 200, body: { ...viewOf(patch), operations: patch.operations } };
      },
    }),
  ];
}

type Viewed = Awaited<ReturnType<PatchService['get']>> | Awaited<ReturnType<PatchService['create']>>['head'];

function viewOf(patch: Viewed) {
  const { id, kind, tag, tag_version, base_version, parents, depth, op_count, cas_id } = patch;
  const { version_hash, message, created_by, created_at } = patch;
  const place = { base_version, parent_id: parents[0] ?? null, depth, op_count };
  return { id, kind, tag, tag_version, ...place, cas_id, version_hash, message, created_by, created_at };
}
