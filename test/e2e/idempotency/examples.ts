import { eventually } from '../../support/eventually.ts';
import { definitionOf } from '../../support/store.ts';

export interface Request {
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request that succeeds, and another one of the same route: with another body, or of another thing when it has none. */
export interface Example {
  request: Request;
  other: Request;
}

/** What an example may do before its requests: any call, answered with the body of a success. */
export interface World {
  /** Completes a proposal, as its workflow would: it gives the step a another value. */
  propose: (proposal_id: string) => Promise<void>;
  /** A name nothing has yet. */
  name: string;
  call: (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;
  /** An agent that has just said that it lives. */
  offerAgent(): Promise<string>;
  /** Makes a step of a run wait, as its workflow would. */
  makeWait: (run_id: string, node: string) => Promise<void>;
  /** Brings the workflow's version live in an environment of the default project, as a deployment would; answers the release. */
  release: (environment: string, workflow: string) => Promise<string>;
  /** Offers a task of a run to agents, as its workflow would. */
  offerTask: (run_id: string, capability: string) => Promise<void>;
}

/** Same path, other body. */
const twoBodies = (path: string, body: unknown, other: unknown, headers?: Request['headers']): Example => ({
  request: { path, body, headers },
  other: { path, body: other, headers },
});

const operations = (value: number) => [{ op: 'add', path: '/nodes/a/config/value', value }];

async function savedTag({ name, call }: World, value: unknown = 1) {
  return call('POST', '/workflows', { tag_name: name, workflow: definitionOf(value) });
}

/** A tag of two positions, with what its versions are. */
async function movedTag(world: World) {
  const [first, second] = [await savedTag(world, 1), await savedTag(world, 2)];
  return {
    first: String(first.artifact_id),
    second: String(second.artifact_id),
    path: `/tags/${world.name}`,
  };
}

async function patchedTag(world: World): Promise<string> {
  await savedTag(world);
  return String((await world.call('POST', '/patches', { tag: world.name, operations: operations(2) })).id);
}

async function startedRun(world: World, nodes: object = definitionOf(1).nodes): Promise<string> {
  await world.call('POST', '/workflows', { tag_name: world.name, workflow: { ...definitionOf(1), nodes } });
  return String((await world.call('POST', '/runs', { workflow: world.name })).id);
}

/** A run that was cancelled before its turn came: it has ended although nothing runs workflows here. */
async function cancelledRun(world: World, tag: string): Promise<string> {
  const workflow = { ...definitionOf(1), concurrency: { limit: 1 } };
  const tag_name = `${world.name}-${tag}`;
  await world.call('POST', '/workflows', { tag_name, workflow });
  await world.call('POST', '/runs', { workflow: tag_name });
  const id = String((await world.call('POST', '/runs', { workflow: tag_name })).id);
  await world.call('POST', `/runs/${id}/cancel`, {});
  await eventually(async () => (await world.call('GET', `/runs/${id}`)).ended_at ?? undefined);
  return id;
}

/** A run that waits for a runtime. */
async function externalRun(world: World): Promise<string> {
  await savedTag(world);
  return String((await world.call('POST', '/runs', { workflow: world.name, executor: 'external' })).id);
}

async function offeredTask(world: World): Promise<void> {
  await world.offerTask(await startedRun(world), world.name);
}

async function claimedTask(world: World): Promise<{ id: string; lease_token: string }> {
  await offeredTask(world);
  const task = await world.call('POST', '/agent-tasks/next', { capabilities: [world.name] });
  return { id: String(task.id), lease_token: String(task.lease_token) };
}

async function ruledTag(world: World) {
  const pattern = `${world.name}/*`;
  const rule = await world.call('POST', '/tag-rules', { pattern, role: 'editor', approvals: 1 });
  const { artifact_id: target } = await savedTag(world);
  return { id: String(rule.id), target, path: `/tags/${world.name}%2Flive` };
}

async function newWebhook({ name, call }: World): Promise<string> {
  return String((await call('POST', '/webhooks', { url: `https://${name}.test/` })).id);
}

const DEFAULT_PROJECT = '00000000-0000-7000-8000-000000000001';

/** An environment for workflows, to which anybody may move tags as well. */
async function workflowEnvironment({ name, call }: World): Promise<string> {
  const path = `/projects/${DEFAULT_PROJECT}/environments/${name}`;
  await call('PUT', path, { deployer: 'tag', binds_tags: false });
  return path;
}

/** Releases that were live one after the other, as deployments would leave them. */
async function releasedTwice(world: World): Promise<{ path: string; first: string }> {
  const path = await workflowEnvironment(world);
  await savedTag(world);
  const first = await world.release(world.name, world.name);
  await world.release(world.name, world.name);
  return { path, first };
}

/** A workflow with a proposal for it, as if an engine had worked it out. */
async function newProposal(world: World) {
  await savedTag(world);
  const { name, call } = world;
  const { proposal_id, draft_id } = await call('POST', '/refinements', {
    workflow: name,
    instructions: 'retry a',
  });
  await world.propose(String(proposal_id));
  return { proposal: `/proposals/${String(proposal_id)}`, draft: `/drafts/${String(draft_id)}` };
}

/** A project, and a user who is no member. */
async function newProject({ name, call }: World, more = '') {
  const { id } = await call('POST', '/projects', { name: `${name}${more}` });
  const email = `${name}${more}@example.net`;
  const user = await call('POST', '/users', { email });
  return { path: `/projects/${String(id)}`, email, user_id: String(user.id) };
}

/** One example for each route that writes. A new route goes here, or to `WITHOUT_KEYS` with its reason. */
export const EXAMPLES: Readonly<Record<string, (world: World) => Promise<Example> | Example>> = {
  'PUT /projects/:id/environments/:name': ({ name }) =>
    twoBodies(
      `/projects/${DEFAULT_PROJECT}/environments/${name}`,
      { deployer: 'tag' },
      { deployer: 'tag', watch_seconds: 1 },
    ),
  'POST /refinements': async (world) => {
    await savedTag(world);
    const ask = { workflow: world.name, instructions: 'retry a 3 times' };
    return twoBodies('/refinements', ask, { ...ask, instructions: 'retry a 4 times' });
  },
  'POST /workflows/:ref/refinements': async (world) => {
    await savedTag(world);
    const path = `/workflows/${world.name}/refinements`;
    return twoBodies(path, { instructions: 'retry a 3 times' }, { instructions: 'retry a 4 times' });
  },
  'POST /proposals/:id/approve': async (world) =>
    twoBodies(`${(await newProposal(world)).proposal}/approve`, {}, { reason: 'other' }),
  'POST /proposals/:id/reject': async (world) =>
    twoBodies(`${(await newProposal(world)).proposal}/reject`, {}, { reason: 'other' }),
  'POST /proposals/:id/rebase': async (world) => {
    const path = `${(await newProposal(world)).proposal}/rebase`;
    return { request: { path }, other: { path, body: {} } };
  },
  'POST /workflows/:ref/drafts': async (world) => {
    await savedTag(world);
    const path = `/workflows/${world.name}/drafts`;
    return { request: { path }, other: { path, body: {} } };
  },
  'POST /drafts/:id/rebase': async (world) =>
    twoBodies(`${(await newProposal(world)).draft}/rebase`, {}, { resolutions: [] }),
  'DELETE /drafts/:id': async (world) => {
    const path = (await newProposal(world)).draft;
    return { request: { path }, other: { path, body: { reason: 'other' } } };
  },
  'POST /workflows/:ref/versions': async (world) => {
    const { proposal } = await newProposal(world);
    await world.call('POST', `${proposal}/approve`);
    return twoBodies(`/workflows/${world.name}/versions`, {}, { message: 'other' });
  },
  'POST /projects': ({ name }) => twoBodies('/projects', { name }, { name: `${name}-other` }),
  'PUT /projects/:id': async (world) => {
    const { path } = await newProject(world);
    return twoBodies(path, { description: 'a' }, { description: 'b' });
  },
  'PUT /projects/:id/settings': async (world) => {
    const { path } = await newProject(world);
    return twoBodies(`${path}/settings`, { max_open_runs: 1 }, { max_open_runs: 2 });
  },
  'POST /projects/:id/members': async (world) => {
    const { path, email } = await newProject(world);
    return twoBodies(`${path}/members`, { email, role: 'viewer' }, { email, role: 'editor' });
  },
  'PUT /projects/:id/members/:user_id': async (world) => {
    const { path, user_id } = await newProject(world);
    return twoBodies(`${path}/members/${user_id}`, { role: 'viewer' }, { role: 'editor' });
  },
  'DELETE /projects/:id/members/:user_id': async (world) => {
    const [{ path, user_id }, other] = [await newProject(world), await newProject(world, 'other')];
    const paths = [user_id, other.user_id].map((id) => `${path}/members/${id}`);
    for (const one of paths) await world.call('PUT', one, { role: 'viewer' });
    return { request: { path: paths[0]! }, other: { path: paths[1]! } };
  },
  'POST /users': ({ name }) =>
    twoBodies('/users', { email: `${name}@example.org` }, { email: `${name}@example.com` }),
  'PATCH /users/:id': async (world) => {
    const { user_id } = await newProject(world);
    return twoBodies(`/users/${user_id}`, { name: 'a' }, { name: 'b' });
  },
  'POST /auth/signing-keys': () => ({
    request: { path: '/auth/signing-keys' },
    other: { path: '/auth/signing-keys', body: {} },
  }),
  'DELETE /auth/api-keys/:id': async ({ name, call }) => {
    const [one, other] = [
      await call('POST', '/auth/api-keys', { name }),
      await call('POST', '/auth/api-keys', { name }),
    ].map(({ id }) => ({ path: `/auth/api-keys/${String(id)}` }));
    return { request: one!, other: other! };
  },
  'DELETE /projects/:id/environments/:name': async (world) => ({
    request: { path: await workflowEnvironment(world) },
    other: { path: `/projects/${DEFAULT_PROJECT}/environments/other` },
  }),
  'DELETE /projects/:id/secrets/:name': async ({ name, call }) => {
    const path = `/projects/${DEFAULT_PROJECT}/secrets/${name}`;
    await call('PUT', path, { value: 'a value' });
    return { request: { path }, other: { path: `/projects/${DEFAULT_PROJECT}/secrets/other` } };
  },
  'POST /projects/:id/environments/:name/rollback': async (world) => {
    const { path, first } = await releasedTwice(world);
    return twoBodies(`${path}/rollback`, { workflow: world.name }, { release_id: first });
  },
  'POST /workflows/:ref/deploy': async (world) => {
    await savedTag(world);
    await workflowEnvironment(world);
    const environment = world.name;
    return twoBodies(
      `/workflows/${world.name}/deploy`,
      { environment },
      { environment, deploy_to_staging: false },
    );
  },
  'POST /workflows': ({ name }) =>
    twoBodies(
      '/workflows',
      { tag_name: name, workflow: definitionOf(1) },
      { tag_name: name, workflow: definitionOf(2) },
    ),
  'PATCH /workflows/:ref': async (world) => {
    await savedTag(world);
    const headers = { 'content-type': 'application/json-patch+json' };
    return twoBodies(`/workflows/${world.name}`, operations(2), operations(3), headers);
  },
  'DELETE /workflows/:ref': async (world) => {
    await savedTag(world);
    return { request: { path: `/workflows/${world.name}` }, other: { path: '/workflows/other' } };
  },
  'POST /merge': async (world) => {
    const { first, second } = await movedTag(world);
    const body = { ours: first, theirs: second };
    return twoBodies('/merge', body, { ...body, message: 'another' });
  },
  'PUT /tags/:name': async (world) => {
    const { first, second } = await movedTag(world);
    return twoBodies(`/tags/${world.name}%2Flive`, { target: first }, { target: second });
  },
  'POST /tags/:name/move': async (world) => {
    const { first, second, path } = await movedTag(world);
    return twoBodies(`${path}/move`, { target: first }, { target: second });
  },
  'POST /tags/:name/undo': async (world) => {
    const { path } = await movedTag(world);
    return twoBodies(`${path}/undo`, { reason: 'one' }, { reason: 'two' });
  },
  'POST /tags/:name/redo': async (world) => {
    const { path } = await movedTag(world);
    await world.call('POST', `${path}/undo`);
    return twoBodies(`${path}/redo`, { reason: 'one' }, { reason: 'two' });
  },
  'DELETE /tags/:name': async (world) => {
    await savedTag(world);
    return { request: { path: `/tags/${world.name}` }, other: { path: '/tags/other' } };
  },
  'POST /tags/:name/approvals': async (world) => {
    const { path, target } = await ruledTag(world);
    return twoBodies(`${path}/approvals`, { target }, { target, comment: 'another' });
  },
  'DELETE /tags/:name/approvals': async (world) => {
    const { path, target } = await ruledTag(world);
    await world.call('POST', `${path}/approvals`, { target });
    return { request: { path: `${path}/approvals` }, other: { path: '/tags/other/approvals' } };
  },
  'POST /tag-rules': ({ name }) =>
    twoBodies('/tag-rules', { pattern: name, role: 'editor' }, { pattern: name, role: 'owner' }),
  'PUT /tag-rules/:id': async (world) => {
    const { id } = await ruledTag(world);
    const pattern = `${world.name}/**`;
    return twoBodies(`/tag-rules/${id}`, { pattern, role: 'editor' }, { pattern, role: 'owner' });
  },
  'DELETE /tag-rules/:id': async (world) => {
    const { id } = await ruledTag(world);
    const { id: other } = await world.call('POST', '/tag-rules', { pattern: world.name, role: 'editor' });
    return { request: { path: `/tag-rules/${id}` }, other: { path: `/tag-rules/${String(other)}` } };
  },
  'POST /patches': async (world) => {
    await savedTag(world);
    const body = { tag: world.name, operations: operations(2) };
    return twoBodies('/patches', body, { ...body, operations: operations(3) });
  },
  'POST /patches/:id/revert': async (world) => {
    const id = await patchedTag(world);
    const body = { tag: world.name };
    return twoBodies(`/patches/${id}/revert`, body, { ...body, message: 'another' });
  },
  'POST /artifacts/:id/compact': async (world) => {
    const id = await patchedTag(world);
    return twoBodies(`/artifacts/${id}/compact`, { message: 'one' }, { message: 'another' });
  },
  'POST /runs': async (world) => {
    await savedTag(world);
    const body = { workflow: world.name, input: 1 };
    return twoBodies('/runs', body, { ...body, input: 2 });
  },
  'POST /runs/bulk': async (world) => {
    await startedRun(world);
    const filter = { workflow: world.name };
    const pause = { filter, command: { type: 'pause' } };
    return twoBodies('/runs/bulk', pause, { ...pause, dry_run: true });
  },
  'POST /runs/:id/pause': async (world) => {
    const path = `/runs/${await startedRun(world)}/pause`;
    return twoBodies(path, { id: 'one' }, { id: 'two' });
  },
  'POST /runs/:id/resume': async (world) => {
    const id = await startedRun(world);
    await world.call('POST', `/runs/${id}/pause`);
    return twoBodies(`/runs/${id}/resume`, { id: 'one' }, { id: 'two' });
  },
  'POST /runs/:id/cancel': async (world) => {
    const path = `/runs/${await startedRun(world)}/cancel`;
    return twoBodies(path, { reason: 'one' }, { reason: 'two' });
  },
  'POST /workflows/:ref/cancel': async (world) => {
    const path = `/workflows/${await startedRun(world)}/cancel`;
    return twoBodies(path, { reason: 'one' }, { reason: 'two' });
  },
  'POST /runs/:id/terminate': async (world) => {
    const path = `/runs/${await startedRun(world)}/terminate`;
    return twoBodies(path, { reason: 'one' }, { reason: 'two' });
  },
  'POST /runs/:id/commands': async (world) => {
    const path = `/runs/${await startedRun(world)}/commands`;
    return twoBodies(path, { id: 'one', type: 'pause' }, { id: 'two', type: 'pause' });
  },
  'POST /runs/:id/tune': async (world) => {
    const path = `/runs/${await startedRun(world)}/tune`;
    return twoBodies(path, { params: { learning_rate: 0.1 } }, { params: { learning_rate: 0.2 } });
  },
  'POST /runs/:id/fork': async (world) => {
    const path = `/runs/${await startedRun(world)}/fork`;
    const params_patch = [{ op: 'add', path: '/n', value: 1 }];
    return twoBodies(path, { from_step: 'a' }, { from_step: 'a', params_patch });
  },
  'POST /runs/:id/retry': async (world) => ({
    request: { path: `/runs/${await cancelledRun(world, 'one')}/retry` },
    other: { path: `/runs/${await cancelledRun(world, 'two')}/retry` },
  }),
  'POST /runs/:id/heartbeat': async (world) => {
    const id = await externalRun(world);
    const beat = {
      run_id: id,
      status: 'running',
      step: 1,
      samples_per_sec: 1,
      loss: 1,
      checkpoint_version: 0,
    };
    return twoBodies(`/runs/${id}/heartbeat`, beat, { ...beat, step: 2 });
  },
  'POST /runs/:id/complete': async (world) =>
    twoBodies(`/runs/${await externalRun(world)}/complete`, { state: 'completed' }, { state: 'failed' }),
  'POST /runs/:id/commands/:cmd_id/ack': async (world) => {
    const id = await externalRun(world);
    await world.call('POST', `/runs/${id}/commands`, { id: 'one', type: 'pause' });
    await world.call('GET', `/runs/${id}/commands/next`);
    return twoBodies(`/runs/${id}/commands/one/ack`, { status: 'acknowledged' }, { status: 'rejected' });
  },
  'POST /agent-tasks/next': async (world) => {
    await offeredTask(world);
    const body = { capabilities: [world.name] };
    return twoBodies('/agent-tasks/next', body, { ...body, agent_id: 'another' });
  },
  'POST /agent-tasks/:id/heartbeat': async (world) => {
    const { id, lease_token } = await claimedTask(world);
    const another = '01900000-0000-7000-8000-000000000000';
    return twoBodies(`/agent-tasks/${id}/heartbeat`, { lease_token }, { lease_token: another });
  },
  'POST /agents/:id/restart': async (world) => ({
    request: { path: `/agents/${await world.offerAgent()}/restart` },
    other: { path: `/agents/${await world.offerAgent()}/restart` },
  }),
  'POST /agent-tasks/:id/complete': async (world) => {
    const { id, lease_token } = await claimedTask(world);
    return twoBodies(`/agent-tasks/${id}/complete`, { lease_token, output: 1 }, { lease_token, output: 2 });
  },
  'POST /runs/:id/events/:name': async (world) =>
    twoBodies(`/runs/${await startedRun(world)}/events/paid`, { sum: 1 }, { sum: 2 }),
  'POST /runs/:id/approvals/:node': async (world) => {
    const id = await startedRun(world, { ask: { type: 'approval', config: { prompt: 'Accept?' } } });
    await world.makeWait(id, 'ask');
    return twoBodies(`/runs/${id}/approvals/ask`, { decision: 'approve' }, { decision: 'reject' });
  },
  'POST /webhooks': ({ name }) =>
    twoBodies('/webhooks', { url: `https://${name}.test/a` }, { url: `https://${name}.test/b` }),
  'PATCH /webhooks/:id': async (world) => {
    const path = `/webhooks/${await newWebhook(world)}`;
    return twoBodies(path, { enabled: false }, { enabled: true });
  },
  'DELETE /webhooks/:id': async (world) => ({
    request: { path: `/webhooks/${await newWebhook(world)}` },
    other: { path: `/webhooks/${await newWebhook(world)}` },
  }),
  'POST /webhooks/:id/replay': async (world) => {
    const run = await startedRun(world);
    const path = `/webhooks/${await newWebhook(world)}/replay`;
    return twoBodies(path, { dead: true }, { from_event: `${run}:1` });
  },
  'POST /admin/gc': () => twoBodies('/admin/gc', { dry_run: true }, { dry_run: true, grace_seconds: 1 }),
  'POST /admin/fsck': () => ({
    request: { path: '/admin/fsck?wait=0' },
    other: { path: '/admin/fsck?wait=0.1' },
  }),
  'POST /admin/reconcile': () => ({
    request: { path: '/admin/reconcile?wait=0', body: {} },
    other: { path: '/admin/reconcile?wait=0', body: { dry_run: true } },
  }),
  'POST /admin/retention': () => ({
    request: { path: '/admin/retention?wait=0' },
    other: { path: '/admin/retention?wait=0.1' },
  }),
};

/** Writes that are the same however often they are sent, and whose bodies are too large to be held against a key. */
export const WITHOUT_KEYS: Readonly<Record<string, string>> = {
  'PUT /blobs': 'a blob is named by its bytes: putting it again is putting it once',
  'PUT /blobs/:cas_id': 'a blob is named by its bytes: putting it again is putting it once',
  'POST /codec/decode': 'it reads, and nothing of what it answers is to be kept',
  'POST /codec/encode': 'it reads, and nothing of what it answers is to be kept',
  'POST /auth/login': 'its answer is a token, which is told once',
  'POST /auth/refresh': 'its answer is a token, which is told once',
  'POST /auth/api-keys': 'its answer is a token, which is told once',
  'DELETE /projects/:id': 'its key would be in the project that is gone',
  'POST /auth/logout': 'it ends the session that its key would belong to',
  'PUT /auth/password': 'it asks for the password that it changes',
  'PUT /projects/:id/secrets/:name': 'the same value again makes no version, and no digest of it is to stay',
  'POST /workflows/import': 'what is here already is found by its content and left alone',
  'POST /hooks/:id': 'a delivery has an id of its own, which its sender signs',
  'POST /workflows/import/negotiate': 'it asks what is here and writes nothing',
};
