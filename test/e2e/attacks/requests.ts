import type { Route } from '../../../src/api/route.ts';
import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import { BUNDLE_MEDIA_TYPE } from '../../../src/domain/rules/bundle-format.ts';
import { definitionOf } from '../../support/store.ts';
import { EXAMPLES, type Request, type World } from '../idempotency/examples.ts';
import type { WholeApi } from '../idempotency/whole-api.ts';
import { worldOf } from '../idempotency/world.ts';

type Make = (world: World, whole: WholeApi) => Promise<Request> | Request;

export const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>) => `${method.toUpperCase()} ${path}`;

/** A request of this route that succeeds in the default project. Fails for a route that nobody has written one for. */
export async function requestOf(route: string, whole: WholeApi, name: string): Promise<Request> {
  const world = worldOf(whole, name);
  const example = EXAMPLES[route];
  if (example) return (await example(world)).request;
  const make = FURTHER[route];
  if (!make) throw new Error(`${route} has no request in test/e2e/attacks/requests.ts`);
  return make(world, whole);
}

const project = `/projects/${DEFAULT_PROJECT_ID}`;

const save = ({ name, call }: World, value: unknown = 1) =>
  call('POST', '/workflows', { tag_name: name, workflow: definitionOf(value) });

const patch = async (world: World) => {
  await save(world);
  const operations = [{ op: 'add', path: '/nodes/a/config/value', value: 2 }];
  return world.call('POST', '/patches', { tag: world.name, operations });
};

const run = async (world: World, more: object = {}) => {
  await save(world);
  return String((await world.call('POST', '/runs', { workflow: world.name, ...more })).id);
};

const webhook = async ({ name, call }: World) =>
  String((await call('POST', '/webhooks', { url: `https://${name}.test/` })).id);

const refinement = async (world: World) => {
  await save(world);
  return world.call('POST', '/refinements', { workflow: world.name, instructions: 'retry a' });
};

const environment = async ({ name, call }: World) => {
  await call('PUT', `${project}/environments/${name}`, { deployer: 'tag', binds_tags: false });
  return `${project}/environments/${name}`;
};

const blob = async ({ name }: World, { api }: WholeApi) => {
  const headers = { 'content-type': 'text/plain' };
  const put = await api.call('PUT', '/api/v1/blobs', { body: `the bytes of ${name}`, headers });
  return put.json<{ cas_id: string }>().cas_id;
};

const read =
  (path: (world: World, whole: WholeApi) => Promise<string> | string): Make =>
  async (world, whole) => ({ path: await path(world, whole) });

/** Something that has a workflow of this name, a run of it and so on, and a path that mentions it. */
const ofSaved = (path: (name: string) => string) =>
  read(async (world) => (await save(world), path(world.name)));
const ofRun = (path: (id: string) => string) => read(async (world) => path(await run(world)));
const ofWebhook = (path: (id: string) => string) => read(async (world) => path(await webhook(world)));

const HEARTBEAT = { step: 1, samples_per_sec: 1, loss: 1, checkpoint_version: 0 };

/** Requests of the routes that `EXAMPLES` has none for: those that read, and writes without a key. */
const FURTHER: Readonly<Record<string, Make>> = {
  'GET /workflows/:ref': ofSaved((name) => `/workflows/${name}?materialize=true`),
  'GET /workflows/:ref/versions': ofSaved((name) => `/workflows/${name}/versions`),
  'GET /workflows/:ref/versions/:n': ofSaved((name) => `/workflows/${name}/versions/1`),
  'GET /diff': read(async (world) => {
    const [one, two] = [await save(world, 1), await save(world, 2)];
    return `/diff?from=${String(one.version_hash)}&to=${String(two.version_hash)}`;
  }),
  'GET /compare': read(async (world) => {
    const [one, two] = [await save(world, 1), await save(world, 2)];
    return `/compare?base=${String(one.artifact_id)}&head=${String(two.artifact_id)}`;
  }),
  'GET /blame': ofSaved((name) => `/blame?ref=${name}`),
  'GET /tags/:name': ofSaved((name) => `/tags/${name}`),
  'GET /tags/:name/history': ofSaved((name) => `/tags/${name}/history`),
  'GET /tags/:name/approvals': ofSaved((name) => `/tags/${name}/approvals`),
  'GET /tag-rules/:id': read(async ({ name, call }) => {
    const { id } = await call('POST', '/tag-rules', { pattern: name, role: 'editor' });
    return `/tag-rules/${String(id)}`;
  }),
  'GET /patches/:id': read(async (world) => `/patches/${String((await patch(world)).id)}`),
  'GET /artifacts/:id': read(async (world) => `/artifacts/${String((await patch(world)).id)}`),
  'GET /artifacts/:id/chain': read(async (world) => `/artifacts/${String((await patch(world)).id)}/chain`),
  'GET /blobs/:cas_id': read(async (world, whole) => `/blobs/${await blob(world, whole)}`),
  'HEAD /blobs/:cas_id': read(async (world, whole) => `/blobs/${await blob(world, whole)}`),
  'GET /workflows/:ref/bundle': ofSaved((name) => `/workflows/${name}/bundle`),
  'GET /runs/:id': ofRun((id) => `/runs/${id}`),
  'GET /workflows/:ref/runs': ofSaved((name) => `/workflows/${name}/runs`),
  'GET /workflows/:ref/metrics': read(async (world) => `/workflows/${await run(world)}/metrics`),
  'GET /workflows/:ref/hooks': ofSaved((name) => `/workflows/${name}/hooks`),
  'GET /runs/:id/steps': ofRun((id) => `/runs/${id}/steps`),
  'GET /runs/:id/events': ofRun((id) => `/runs/${id}/events`),
  'GET /runs/:id/snapshot': read(async (world) => {
    const id = await run(world, { executor: 'external' });
    await world.call('POST', `/runs/${id}/complete`, { state: 'completed' });
    return `/runs/${id}/snapshot`;
  }),
  'GET /runs/:id/logs': ofRun((id) => `/runs/${id}/logs`),
  'GET /runs/:id/metrics': ofRun((id) => `/runs/${id}/metrics`),
  'GET /runs/:id/events/stream': ofRun((id) => `/runs/${id}/events/stream`),
  'GET /ws/runs/:id': ofRun((id) => `/ws/runs/${id}`),
  'GET /runs/:id/commands': ofRun((id) => `/runs/${id}/commands`),
  'GET /runs/:id/commands/next': read(
    async (world) => `/runs/${await run(world, { executor: 'external' })}/commands/next`,
  ),
  'GET /runs/:id/heartbeat': read(async (world) => {
    const id = await run(world, { executor: 'external' });
    await world.call('POST', `/runs/${id}/heartbeat`, { run_id: id, status: 'running', ...HEARTBEAT });
    return `/runs/${id}/heartbeat`;
  }),
  'GET /agents/:id': read(async (world) => `/agents/${await world.offerAgent()}`),
  'GET /webhooks/:id': ofWebhook((id) => `/webhooks/${id}`),
  'GET /webhooks/:id/deliveries': ofWebhook((id) => `/webhooks/${id}/deliveries`),
  'GET /bulk/:id': read(async (world) => {
    await run(world);
    const body = { filter: { workflow: world.name }, command: { type: 'pause' } };
    return `/bulk/${String((await world.call('POST', '/runs/bulk', body)).id)}`;
  }),
  'GET /projects/:id/environments': read(() => `${project}/environments`),
  'GET /projects/:id/environments/:name': read(environment),
  'GET /projects/:id/environments/:name/releases': read(
    async (world) => `${await environment(world)}/releases`,
  ),
  'GET /projects/:id/environments/:name/releases/:release_id': read(async (world) => {
    await save(world);
    const path = await environment(world);
    return `${path}/releases/${await world.release(world.name, world.name)}`;
  }),
  'GET /projects/:id/secrets': read(() => `${project}/secrets`),
  'GET /projects/:id/secrets/:name': read(async ({ name, call }) => {
    await call('PUT', `${project}/secrets/${name}`, { value: 'a value' });
    return `${project}/secrets/${name}`;
  }),
  'PUT /projects/:id/secrets/:name': ({ name }) => ({
    path: `${project}/secrets/${name}`,
    body: { value: 'a value' },
  }),
  'GET /projects/:id': read(() => project),
  'GET /projects/:id/usage': read(() => `${project}/usage`),
  'GET /projects/:id/members': read(() => `${project}/members`),
  'GET /projects/:id/settings': read(() => `${project}/settings`),
  'DELETE /projects/:id': async ({ name, call }) => {
    const path = `/projects/${String((await call('POST', '/projects', { name })).id)}`;
    await call('PUT', path, { status: 'archived' });
    return { path };
  },
  'GET /proposals/:id': read(async (world) => `/proposals/${String((await refinement(world)).proposal_id)}`),
  'GET /proposals/:id/back-test': read(async (world) => {
    const id = String((await refinement(world)).proposal_id);
    await world.propose(id);
    return `/proposals/${id}/back-test`;
  }),
  'GET /workflows/:ref/back-test': ofSaved((name) => `/workflows/${name}/back-test?to=${name}`),
  'GET /drafts/:id': read(async (world) => `/drafts/${String((await refinement(world)).draft_id)}`),
  'GET /ws/refinements/:thread_id': read(
    async (world) => `/ws/refinements/${String((await refinement(world)).thread_id)}`,
  ),
  'PUT /blobs': ({ name }) => ({
    path: '/blobs',
    body: `the bytes of ${name}`,
    headers: { 'content-type': 'text/plain' },
  }),
  'PUT /blobs/:cas_id': async (world, whole) => ({
    path: `/blobs/${await blob(world, whole)}`,
    body: `the bytes of ${world.name}`,
    headers: { 'content-type': 'text/plain' },
  }),
  'POST /workflows/import': async (world, { api }) => {
    await save(world);
    const { text } = await api.call('GET', `/api/v1/workflows/${world.name}/bundle`);
    return { path: '/workflows/import', body: text, headers: { 'content-type': BUNDLE_MEDIA_TYPE } };
  },
  'POST /workflows/import/negotiate': async (world) => {
    const { version_hash } = await save(world);
    return { path: '/workflows/import/negotiate', body: { version_hashes: [version_hash] } };
  },
};
