import type { Draft, DraftService } from '../../domain/ide/drafts.ts';
import type { PublishService } from '../../domain/ide/publish.ts';
import { agePlaceAt, agePlaceOf, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import {
  draftSummary,
  draftView,
  idParams,
  listDraftsQuery,
  publishBody,
  publishedView,
  rebaseDraftBody,
  resolveBody,
  workflowParams,
} from '../schemas/refinements.ts';
import { callerOf, etagOf } from './tags-views.ts';

interface Deps {
  drafts: DraftService;
  publishing: PublishService;
}

const group = 'ide';
const versionHeader = { ETag: 'The version of the draft’s tag, in quotes.' };
const one = { description: 'The draft.', schema: draftView, headers: versionHeader };

/** Drafts of workflows: begun, looked at, brought up to date, published or discarded. */
export const draftRoutes = (deps: Deps): Route[] => [
  ...readRoutes(deps),
  ...writeRoutes(deps),
  publishRoute(deps),
];

function reply({ head, ...draft }: Draft, status = 200) {
  const body = { ...draft, tag_version: head?.version ?? null, version_hash: head?.target_hash ?? null };
  return { status, body, headers: etagOf(head?.version ?? null) };
}

function readRoutes({ drafts }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/drafts',
      group,
      summary: 'Drafts, newest first.',
      query: listDraftsQuery,
      responses: { 200: { description: 'One page.', schema: page(draftSummary) } },
      async handler({ query: { limit, cursor, ...filter }, project_id }) {
        const rows = await drafts.list(project_id, filter, limit + 1, agePlaceAt(cursor));
        return { status: 200, body: pageOf(rows, limit, agePlaceOf) };
      },
    }),
    route({
      method: 'get',
      path: '/drafts/:id',
      group,
      summary: 'A draft, and where its tag stands.',
      params: idParams,
      responses: { 200: one },
      handler: async ({ params, project_id }) => reply(await drafts.get(project_id, params.id)),
    }),
  ];
}

function writeRoutes({ drafts, publishing }: Deps): Route[] {
  return [
    route({
      method: 'post',
      path: '/workflows/:ref/drafts',
      group: 'workflows',
      summary: 'The open draft of a workflow; a new one when there is none.',
      params: workflowParams,
      responses: { 200: one, 201: { ...one, description: 'The new draft.' } },
      async handler(call) {
        const { draft, created } = await drafts.open(callerOf(call), call.params.ref);
        return reply(draft, created ? 201 : 200);
      },
    }),
    route({
      method: 'post',
      path: '/drafts/:id/rebase',
      group,
      summary: 'Merge what the workflow has by now into its draft.',
      params: idParams,
      body: rebaseDraftBody,
      responses: { 200: one },
      async handler(call) {
        await publishing.rebase(callerOf(call), call.params.id, call.body?.resolutions);
        return reply(await drafts.get(call.project_id, call.params.id));
      },
    }),
    route({
      method: 'delete',
      path: '/drafts/:id',
      group,
      summary: 'Discard a draft; its open proposals are rejected.',
      params: idParams,
      body: resolveBody,
      responses: { 204: { description: 'It is discarded.' } },
      async handler(call) {
        await drafts.discard(callerOf(call), call.params.id, call.body?.reason);
        return { status: 204 };
      },
    }),
  ];
}

function publishRoute({ publishing }: Deps): Route {
  return route({
    method: 'post',
    path: '/workflows/:ref/versions',
    group: 'workflows',
    summary: 'Publish the draft of a workflow as its next version.',
    params: workflowParams,
    body: publishBody,
    responses: { 201: { description: 'The version.', schema: publishedView } },
    async handler(call) {
      const { message: reason, discard_proposals } = call.body ?? {};
      const how = { reason, discard_proposals };
      const { draft, tag, rejected } = await publishing.publish(callerOf(call), call.params.ref, how);
      const { target_id, target_hash, name, version } = tag;
      const body = {
        workflow: draft.workflow,
        number: version,
        artifact_id: target_id,
        version_hash: target_hash,
        tag: name,
        tag_version: version,
        draft_id: draft.id,
        rejected_proposals: rejected,
        published_by: draft.closed_by,
        published_at: draft.closed_at,
      };
      const headers = { Location: `/api/v1/workflows/${encodeURIComponent(name)}/versions/${version}` };
      return { status: 201, body, headers };
    },
  });
}
