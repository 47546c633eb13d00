import type { Member, MemberService } from '../../domain/project-members.ts';
import type { ProjectService } from '../../domain/projects.ts';
import { agePlaceAt, agePlaceOf, decodeCursor, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import {
  listMembersQuery,
  listProjectsQuery,
  memberBody,
  memberParams,
  memberView,
  newMemberBody,
  newProjectBody,
  projectChangeBody,
  projectParams,
  projectView,
  usageView,
} from '../schemas/projects.ts';
import { etagOf } from './tags-views.ts';

interface Deps {
  projects: ProjectService;
  members: MemberService;
}

const group = 'projects';
const item = '/projects/:id';
const versionHeader = { ETag: 'The version of the project, in quotes; send it back as `If-Match`.' };
const one = { description: 'The project.', schema: projectView, headers: versionHeader };

/** Projects, and who is what in them. */
export const projectRoutes = (deps: Deps): Route[] => [
  ...collectionRoutes(deps),
  ...itemRoutes(deps),
  ...memberRoutes(deps),
];

function collectionRoutes({ projects }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/projects',
      group,
      installation: true,
      summary: 'The projects there are for you, newest first.',
      query: listProjectsQuery,
      responses: { 200: { description: 'One page.', schema: page(projectView) } },
      async handler({ query: { limit, cursor, ...filter }, principal }) {
        const rows = await projects.list(principal, filter, limit + 1, agePlaceAt(cursor));
        return { status: 200, body: pageOf(rows, limit, agePlaceOf) };
      },
    }),
    route({
      method: 'post',
      path: '/projects',
      group,
      installation: true,
      role: 'owner',
      summary: 'Create a project, whose first owner you are.',
      body: newProjectBody,
      responses: { 201: { ...one, description: 'The new project.' } },
      async handler({ body, principal }) {
        const project = await projects.create(body, principal);
        const headers = { Location: `/api/v1/projects/${project.id}`, ...etagOf(project.version) };
        return { status: 201, body: project, headers };
      },
    }),
  ];
}

function itemRoutes({ projects }: Deps): Route[] {
  const common = { group, path: item, project_in_path: true, params: projectParams } as const;
  return [
    route({
      ...common,
      method: 'get',
      summary: 'A project.',
      responses: { 200: one },
      async handler({ project_id }) {
        const project = await projects.get(project_id);
        return { status: 200, body: project, headers: etagOf(project.version) };
      },
    }),
    route({
      ...common,
      method: 'get',
      path: `${item}/usage`,
      summary: 'What goes on in a project, before it is archived or deleted.',
      responses: { 200: { description: 'Open runs and live releases.', schema: usageView } },
      handler: async ({ project_id }) => ({ status: 200, body: await projects.usage(project_id) }),
    }),
    route({
      ...common,
      method: 'put',
      role: 'owner',
      in_archived: true,
      summary: 'Change a project, archive it, or take it back from there. What is left out stays.',
      body: projectChangeBody,
      responses: { 200: one },
      async handler({ project_id, body, if_match }) {
        const project = await projects.update(project_id, body, if_match);
        return { status: 200, body: project, headers: etagOf(project.version) };
      },
    }),
    route({
      ...common,
      method: 'delete',
      role: 'owner',
      in_archived: true,
      idempotent: false,
      summary: 'Delete an archived project.',
      responses: { 204: { description: 'It is gone.' } },
      async handler({ project_id, if_match }) {
        await projects.remove(project_id, if_match);
        return { status: 204 };
      },
    }),
  ];
}

function memberRoutes({ members }: Deps): Route[] {
  const common = { group, project_in_path: true } as const;
  const collection = `${item}/members`;
  const member = { description: 'The member.', schema: memberView };
  return [
    route({
      ...common,
      method: 'get',
      path: collection,
      summary: 'Members and their roles.',
      params: projectParams,
      query: listMembersQuery,
      responses: { 200: { description: 'One page.', schema: page(memberView) } },
      async handler({ project_id, query: { limit, cursor } }) {
        const after = decodeCursor(cursor, { user_id: memberParams.shape.user_id })?.user_id;
        const rows = await members.list(project_id, limit + 1, after);
        const { items, next_cursor } = pageOf(rows, limit, ({ user_id }) => ({ user_id }));
        return { status: 200, body: { items: items.map(viewOf), next_cursor } };
      },
    }),
    route({
      ...common,
      method: 'post',
      path: collection,
      role: 'owner',
      summary: 'Let a user in, by email, or change what they are.',
      params: projectParams,
      body: newMemberBody,
      responses: { 200: member, 201: { ...member, description: 'The new member.' } },
      async handler({ project_id, body: { email, role }, principal }) {
        return reply(await members.putByEmail(project_id, email, role, principal.id));
      },
    }),
    route({
      ...common,
      method: 'put',
      path: `${collection}/:user_id`,
      role: 'owner',
      summary: 'Give a member a role; who is none becomes one.',
      params: memberParams,
      body: memberBody,
      responses: { 200: member, 201: { ...member, description: 'The new member.' } },
      async handler({ project_id, params, body, principal }) {
        return reply(await members.put(project_id, params.user_id, body.role, principal.id));
      },
    }),
    route({
      ...common,
      method: 'delete',
      path: `${collection}/:user_id`,
      role: 'owner',
      summary: 'Remove a member.',
      params: memberParams,
      responses: { 204: { description: 'Removed.' } },
      async handler({ project_id, params }) {
        await members.remove(project_id, params.user_id);
        return { status: 204 };
      },
    }),
  ];
}

const viewOf = ({ project_id: _project, ...view }: Member) => view;

function reply({ is_new, ...row }: Member & { is_new: boolean }) {
  return { status: is_new ? 201 : 200, body: viewOf(row) };
}
