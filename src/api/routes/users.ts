import type { UserService } from '../../domain/identity/users.ts';
import { agePlaceAt, agePlaceOf, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import { idParams, listQuery, newUserBody, userChangeBody, userView } from '../schemas/identity.ts';

/** The people of an installation, for who administers it. */
export function userRoutes({ users }: { users: UserService }): Route[] {
  const common = {
    group: 'users',
    installation: true,
    role: 'owner',
    permission: 'installation:administer',
  } as const;
  const one = { description: 'The user.', schema: userView };
  return [
    route({
      ...common,
      method: 'get',
      path: '/users',
      summary: 'Users, newest first.',
      query: listQuery,
      responses: { 200: { description: 'One page.', schema: page(userView) } },
      async handler({ query: { limit, cursor } }) {
        const rows = await users.list(limit + 1, agePlaceAt(cursor));
        return { status: 200, body: pageOf(rows, limit, agePlaceOf) };
      },
    }),
    route({
      ...common,
      method: 'post',
      path: '/users',
      secret_body: true,
      summary: 'Add a user.',
      body: newUserBody,
      responses: { 201: one },
      async handler({ body, principal }) {
        const user = await users.create(body, principal.id);
        return { status: 201, body: user, headers: { Location: `/api/v1/users/${user.id}` } };
      },
    }),
    route({
      ...common,
      method: 'get',
      path: '/users/:id',
      summary: 'A user.',
      params: idParams,
      responses: { 200: one },
      handler: async ({ params }) => ({ status: 200, body: await users.get(params.id) }),
    }),
    route({
      ...common,
      method: 'patch',
      path: '/users/:id',
      secret_body: true,
      summary: 'Change a user; a new password, or disabling, signs the user out.',
      params: idParams,
      body: userChangeBody,
      responses: { 200: one },
      handler: async ({ params, body }) => ({ status: 200, body: await users.update(params.id, body) }),
    }),
  ];
}
