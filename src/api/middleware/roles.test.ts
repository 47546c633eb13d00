import { PERMISSIONS, ROLES, type Role } from '../../contract/roles.ts';
import { listeningApi, OTHER_PROJECT_ID, PROJECT_ID, type TestApi } from '../app-fixture.ts';
import type { Principal } from '../../contract/principal.ts';
import type { Route } from '../route.ts';
import { routeTable } from '../routes/table.ts';
import { bearerAuthentication } from './bearer.ts';

/** Stands for every service: whatever is called fails, which is later than the question of the role. */
const nothing: unknown = new Proxy(() => nothing, {
  get: () => nothing,
  apply: () => {
    throw new Error('reached');
  },
});
const rows = routeTable({
  services: nothing as never,
  ids: () => '',
  version: '0',
  checks: {},
  capabilities: nothing as never,
  shutdown: new AbortController().signal,
}).filter((row) => !row.public);

const tokenOf = (name: string) => `token-of-${name}-${'x'.repeat(32)}`;
const principals: Principal[] = [
  ...ROLES.map((role) => ({ id: role, role, permissions: PERMISSIONS })),
  { id: 'limited', role: 'owner', permissions: PERMISSIONS, projects: [OTHER_PROJECT_ID] },
  { id: 'unpermitted', role: 'owner' },
];
let api: TestApi;

beforeAll(async () => {
  const authenticate = bearerAuthentication(
    principals.map((principal) => ({ token: tokenOf(principal.id), principal })),
  );
  api = await listeningApi(rows, { authenticate, verify_replies: false });
});

afterAll(() => api.close());

const ask = async (row: Route, as: string, project_id = PROJECT_ID) => {
  const named = row.project_in_path ? row.path.replace(':id', project_id) : row.path;
  const path = `/api/v1${named.replaceAll(/:\w+/g, 'x')}`;
  const headers = { authorization: `Bearer ${tokenOf(as)}`, 'x-project-id': project_id };
  return (await api.call(row.method.toUpperCase(), path, { headers })).status;
};

/** The table of who may do what, by route: the rest a viewer may read and an editor write. */
const NEEDED: Readonly<Record<string, Role>> = {
  'post /workflows/import/negotiate': 'viewer',
  'get /runs/:id/commands/next': 'editor',
  'post /admin/gc': 'owner',
  'post /admin/fsck': 'owner',
  'post /admin/retention': 'owner',
  'post /admin/reconcile': 'owner',
  'get /admin/jobs/:id': 'owner',
  'get /admin/jobs/:id/findings': 'owner',
  'post /webhooks': 'maintainer',
  'patch /webhooks/:id': 'maintainer',
  'delete /webhooks/:id': 'maintainer',
  'post /webhooks/:id/replay': 'maintainer',
  'post /tag-rules': 'maintainer',
  'put /tag-rules/:id': 'maintainer',
  'delete /tag-rules/:id': 'maintainer',
  'put /projects/:id/environments/:name': 'maintainer',
  'get /projects/:id/secrets': 'maintainer',
  'get /projects/:id/secrets/:name': 'maintainer',
  'put /projects/:id/secrets/:name': 'maintainer',
  'delete /projects/:id/secrets/:name': 'maintainer',
  'delete /projects/:id/environments/:name': 'maintainer',
  'post /projects/:id/environments/:name/rollback': 'operator',
  'post /workflows/:ref/deploy': 'operator',
  'post /agents/:id/restart': 'operator',
  'put /projects/:id': 'owner',
  'put /projects/:id/settings': 'owner',
  'delete /projects/:id': 'owner',
  'post /projects/:id/members': 'owner',
  'put /projects/:id/members/:user_id': 'owner',
  'delete /projects/:id/members/:user_id': 'owner',
  // What concerns no project asks for what a token may be at most.
  'post /projects': 'owner',
  'get /users': 'owner',
  'post /users': 'owner',
  'get /users/:id': 'owner',
  'patch /users/:id': 'owner',
  'post /auth/signing-keys': 'owner',
  'post /auth/logout': 'viewer',
  'put /auth/password': 'viewer',
  'post /auth/api-keys': 'viewer',
  'delete /auth/api-keys/:id': 'viewer',
  'post /codec/decode': 'owner',
  'post /codec/encode': 'owner',
  'get /audit': 'maintainer',
  'get /audit/verify': 'maintainer',
  'get /audit/export': 'maintainer',
};
const neededFor = ({ method, path }: Route): Role =>
  NEEDED[`${method} ${path}`] ?? (['get', 'head'].includes(method) ? 'viewer' : 'editor');

describe.each(rows.map((row) => ({ name: `${row.method} ${row.path}`, row })))('$name', ({ row }) => {
  it(`is open from ${neededFor(row)} on, and refused to those below`, async () => {
    const refused = [];
    for (const role of ROLES) if ((await ask(row, role)) === 403) refused.push(role);
    expect(refused).toEqual(ROLES.slice(0, ROLES.indexOf(neededFor(row))));
  });

  it(
    row.installation
      ? 'concerns no project, whichever is named'
      : 'does not exist in a project that is not the caller’s',
    async () => {
      const elsewhere = await ask(row, 'limited');
      if (row.installation) expect(elsewhere).not.toBe(404);
      else expect(elsewhere).toBe(404);
      // Maintenance concerns every project, which is more than this caller has.
      const reached = await ask(row, 'limited', OTHER_PROJECT_ID);
      if (row.path.startsWith('/admin/')) expect(reached).toBe(403);
      else expect(reached).not.toBe(403);
    },
  );

  if (row.permission !== undefined)
    it(`needs ${row.permission} besides`, async () => {
      expect(await ask(row, 'unpermitted')).toBe(403);
    });
});
