import type { ArtifactService } from '../../domain/artifacts.ts';
import { encodeCursor } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import {
  artifactParams,
  artifactView,
  chainQuery,
  chainView,
  materialiseQuery,
} from '../schemas/artifacts.ts';
import { compactBody, compactedView } from '../schemas/artifacts-compact.ts';
import { versionHeader } from '../schemas/tags.ts';
import { callerOf, etagOf, expectationOf, numberAt } from './tags-views.ts';

interface Deps {
  artifacts: ArtifactService;
}

const group = 'artifacts';

/** Artifacts: immutable entries that point at a blob. */
export function artifactRoutes({ artifacts }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/artifacts/:id',
      group,
      summary: 'An artifact, with its definition when asked for.',
      params: artifactParams,
      query: materialiseQuery,
      responses: { 200: { description: 'The artifact.', schema: artifactView } },
      async handler({ params, query, project_id }) {
        const artifact = await artifacts.get(project_id, params.id);
        const definition = query.materialize ? await artifacts.materialise(artifact) : undefined;
        return { status: 200, body: { ...artifact, definition } };
      },
    }),
    route({
      method: 'get',
      path: '/artifacts/:id/chain',
      group,
      summary: 'The patches from the base version up to this one, first to last.',
      params: artifactParams,
      query: chainQuery,
      responses: { 200: { description: 'One page.', schema: chainView } },
      async handler({ params, query: { limit, cursor }, project_id }) {
        const { head, items, next } = await artifacts.chain(project_id, params.id, {
          after: numberAt(cursor, 'seq'),
          limit,
        });
        const links = items.map((link) => ({ ...link, parent_id: link.parents[0] ?? null }));
        const place = { artifact_id: head.id, base_version: head.base_version, depth: head.depth };
        const next_cursor = next === undefined ? null : encodeCursor({ seq: next });
        return { status: 200, body: { ...place, items: links, next_cursor } };
      },
    }),
    compactRoute(artifacts),
  ];
}

const compactRoute = (artifacts: ArtifactService) => {
  const answer = { schema: compactedView, headers: versionHeader };
  return route({
    method: 'post',
    path: '/artifacts/:id/compact',
    group,
    summary: 'The content of a patch set as a version of its own, without a chain.',
    params: artifactParams,
    body: compactBody,
    responses: {
      200: { description: 'It was compacted before.', ...answer },
      201: { description: 'The new version.', ...answer },
    },
    async handler(call) {
      const { message, tag: name, break_glass } = call.body;
      const tag = name === undefined ? undefined : { name, break_glass, expectation: expectationOf(call) };
      const done = await artifacts.compact(callerOf(call), call.params.id, { message, tag });
      const { created, artifact, tag_version = null } = done;
      const body = { ...artifact, tag: name ?? null, tag_version };
      return { status: created ? 201 : 200, body, headers: etagOf(tag_version) };
    },
  });
};
