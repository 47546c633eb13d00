import { z } from 'zod';
import type { TagService } from '../../domain/tags.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowText } from '../schemas/conventions.ts';
import { runView } from '../schemas/runs.ts';
import {
  deleteTagQuery,
  getTagQuery,
  listTagsQuery,
  moveBody,
  moveView,
  stepBody,
  tagParams,
  tagThenView,
  tagView,
  versionHeader,
  historyQuery,
} from '../schemas/tags.ts';
import type { TagRollback } from './deployments.ts';
import { callerOf, numberAt, tagReply, tagRequestOf } from './tags-views.ts';

interface Deps {
  tags: TagService;
  /** What an undo comes to where only deployments move the tag; absent where there are no runs. */
  rollback?: TagRollback;
}

const group = 'tags';
const here = { description: 'The tag.', schema: tagView, headers: versionHeader };
const moved = {
  description: 'The tag as it is now; unchanged when it was there already.',
  schema: tagView,
  headers: versionHeader,
};

/** Tags: movable names for versions, with a history that undo and redo walk. */
export function tagRoutes(deps: Deps): Route[] {
  return [
    listRoute(deps),
    getRoute(deps),
    putRoute(deps),
    moveRoute(deps),
    undoRoute(deps),
    redoRoute(deps),
    historyRoute(deps),
    deleteRoute(deps),
  ];
}

const listRoute = ({ tags }: Deps) =>
  route({
    method: 'get',
    path: '/tags',
    group,
    summary: 'Tags by name.',
    query: listTagsQuery,
    responses: { 200: { description: 'One page.', schema: page(tagView) } },
    async handler({ query: { limit, cursor, ...filter }, project_id }) {
      const after = decodeCursor(cursor, { name: rowText })?.name;
      const found = await tags.list({ ...filter, project_id }, { after, limit });
      return pageReply(
        found,
        (name) => ({ name }),
        (tag) => tagReply(tag).body,
      );
    },
  });

const getRoute = ({ tags }: Deps) =>
  route({
    method: 'get',
    path: '/tags/:name',
    group,
    summary: 'A tag as it is, or as it was.',
    params: tagParams,
    query: getTagQuery,
    responses: { 200: { ...here, schema: z.union([tagView, tagThenView]) } },
    async handler({ params, query: { as_of }, project_id }) {
      if (as_of === undefined) return tagReply(await tags.get(project_id, params.name));
      return { status: 200, body: await tags.at(project_id, params.name, as_of) };
    },
  });

const putRoute = ({ tags }: Deps) =>
  route({
    method: 'put',
    path: '/tags/:name',
    group,
    summary: 'Create a tag or move it.',
    params: tagParams,
    body: moveBody,
    responses: { 200: moved, 201: { ...here, description: 'The new tag.' } },
    async handler(call) {
      const { target, protected: protect, fast_forward_only } = call.body;
      const request = { target, protect, fast_forward_only, ...tagRequestOf(call) };
      const { tag, outcome } = await tags.put(callerOf(call), call.params.name, request);
      return tagReply(tag, outcome === 'created' ? 201 : 200);
    },
  });

const moveRoute = ({ tags }: Deps) =>
  route({
    method: 'post',
    path: '/tags/:name/move',
    group,
    summary: 'Move a tag that exists.',
    params: tagParams,
    body: moveBody,
    responses: { 200: moved },
    async handler(call) {
      const { target, protected: protect, fast_forward_only } = call.body;
      const request = { target, protect, fast_forward_only, ...tagRequestOf(call) };
      return tagReply((await tags.move(callerOf(call), call.params.name, request)).tag);
    },
  });

const undoRoute = ({ tags, rollback }: Deps) =>
  route({
    method: 'post',
    path: '/tags/:name/undo',
    group,
    summary: 'Take the last move back; of a tag that only deployments move, by one.',
    params: tagParams,
    body: stepBody,
    responses: { 200: moved, 202: { description: 'The deployment that was started.', schema: runView } },
    async handler(call) {
      const { name } = call.params;
      try {
        return tagReply((await tags.undo(callerOf(call), name, tagRequestOf(call))).tag);
      } catch (error) {
        if (rollback) return rollback(call, name, error);
        throw error;
      }
    },
  });

const redoRoute = ({ tags }: Deps) =>
  route({
    method: 'post',
    path: '/tags/:name/redo',
    group,
    summary: 'Go forward again after an undo.',
    params: tagParams,
    body: stepBody,
    responses: { 200: moved },
    async handler(call) {
      return tagReply((await tags.redo(callerOf(call), call.params.name, tagRequestOf(call))).tag);
    },
  });

const historyRoute = ({ tags }: Deps) =>
  route({
    method: 'get',
    path: '/tags/:name/history',
    group,
    summary: 'Every move of a tag, newest first; it outlives the tag.',
    params: tagParams,
    query: historyQuery,
    responses: { 200: { description: 'One page.', schema: page(moveView) } },
    async handler({ params, query: { limit, cursor }, project_id }) {
      const before = numberAt(cursor, 'seq');
      return pageReply(await tags.history(project_id, params.name, { before, limit }), (seq) => ({ seq }));
    },
  });

const deleteRoute = ({ tags }: Deps) =>
  route({
    method: 'delete',
    path: '/tags/:name',
    group,
    summary: 'Delete a tag; its history and what it pointed at stay.',
    params: tagParams,
    query: deleteTagQuery,
    responses: { 204: { description: 'It is gone.' } },
    async handler(call) {
      const request = tagRequestOf({ if_match: call.if_match, body: call.query });
      await tags.delete(callerOf(call), call.params.name, request);
      return { status: 204 };
    },
  });
