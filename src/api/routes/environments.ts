import type { Environment, EnvironmentSetup, ReleaseRecord } from '../../contract/deployment.ts';
import type { EnvironmentService } from '../../domain/environments.ts';
import { agePlaceAt, agePlaceOf, decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowText } from '../schemas/conventions.ts';
import {
  environmentBody,
  environmentParams,
  environmentView,
  listEnvironmentsQuery,
  listReleasesQuery,
  newEnvironmentParams,
  projectParams,
  releaseParams,
  releaseView,
  versionHeader,
} from '../schemas/environments.ts';
import { callerOf, etagOf } from './tags-views.ts';

interface Deps {
  environments: EnvironmentService;
}

const group = 'projects';
const collection = '/projects/:id/environments';
const item = `${collection}/:name`;
const here = { description: 'The environment.', schema: environmentView, headers: versionHeader };

/** Where a project deploys to, and what was brought there. */
export const environmentRoutes = (deps: Deps): Route[] => [
  ...reads(deps),
  putRoute(deps),
  deleteRoute(deps),
  ...releaseRoutes(deps),
];

const reply = (environment: Environment, status = 200) => ({
  status,
  body: environment,
  headers: etagOf(environment.version),
});

const reads = ({ environments }: Deps) => [
  route({
    method: 'get',
    path: collection,
    group,
    project_in_path: true,
    summary: 'The environments of a project by name.',
    params: projectParams,
    query: listEnvironmentsQuery,
    responses: { 200: { description: 'One page.', schema: page(environmentView) } },
    async handler(call) {
      const { limit, cursor } = call.query;
      const after = decodeCursor(cursor, { name: rowText })?.name;
      return pageReply(await environments.list(call.project_id, { after, limit }), (name) => ({ name }));
    },
  }),
  route({
    method: 'get',
    path: item,
    group,
    project_in_path: true,
    summary: 'An environment.',
    params: environmentParams,
    responses: { 200: here },
    handler: async (call) => reply(await environments.get(call.project_id, call.params.name)),
  }),
];

const putRoute = ({ environments }: Deps) =>
  route({
    method: 'put',
    path: item,
    group,
    project_in_path: true,
    role: 'maintainer',
    summary: 'Set an environment up, or set it up anew.',
    params: newEnvironmentParams,
    body: environmentBody,
    responses: { 200: here, 201: { ...here, description: 'The new environment.' } },
    async handler(call) {
      const { binds_tags = call.body.deployer === 'tag' } = call.body;
      const setup = { ...call.body, name: call.params.name, binds_tags } as EnvironmentSetup;
      const put = await environments.put(callerOf(call), setup, call.if_match);
      return reply(put.environment, put.created ? 201 : 200);
    },
  });

const deleteRoute = ({ environments }: Deps) =>
  route({
    method: 'delete',
    path: item,
    group,
    project_in_path: true,
    role: 'maintainer',
    summary: 'Delete an environment that nothing is live in, with its releases.',
    params: environmentParams,
    responses: { 204: { description: 'It is gone.' } },
    async handler(call) {
      await environments.delete(callerOf(call), call.params.name, call.if_match);
      return { status: 204 };
    },
  });

const releaseRoutes = ({ environments }: Deps) => [
  route({
    method: 'get',
    path: `${item}/releases`,
    group,
    project_in_path: true,
    summary: 'What was brought to an environment, newest first.',
    params: environmentParams,
    query: listReleasesQuery,
    responses: { 200: { description: 'One page.', schema: page(releaseView) } },
    async handler(call) {
      const { limit, cursor, subject } = call.query;
      const after = agePlaceAt(cursor);
      const place = { name: call.params.name, subject };
      return pageReply(
        await environments.releases(call.project_id, place, { after, limit }),
        agePlaceOf,
        viewOf,
      );
    },
  }),
  route({
    method: 'get',
    path: `${item}/releases/:release_id`,
    group,
    project_in_path: true,
    summary: 'A release.',
    params: releaseParams,
    responses: { 200: { description: 'The release.', schema: releaseView } },
    async handler(call) {
      const { name, release_id } = call.params;
      return { status: 200, body: viewOf(await environments.release(call.project_id, name, release_id)) };
    },
  }),
];

const viewOf = ({ environment_id: _environment, ...view }: ReleaseRecord) => view;
