import { OTHER_PROJECT_ID, PROJECT_ID, type TestAnswer } from '../../src/api/app-fixture.ts';
import { newId } from '../../src/ids.ts';
import { bringLive } from '../support/releases.ts';
import { definitionOf } from '../support/store.ts';
import { tokenOf, type WholeApi, wholeApi } from './idempotency/whole-api.ts';

interface Fields {
  [name: string]: unknown;
  items: Fields[];
  next_cursor: string | null;
  errors: { path: string; message: string }[];
}

interface More {
  as?: string;
  if_match?: number;
}

const SECRET = 'a-secret-of-sixteen-characters';
const people = {
  viewer: { role: 'viewer' },
  editor: { role: 'editor' },
  operator: { role: 'operator' },
  maintainer: { role: 'maintainer' },
  stranger: { role: 'owner', projects: [OTHER_PROJECT_ID] },
} as const;

let opened: WholeApi;
/** The same where programs may not be run. */
let strict: WholeApi;
let made = 0;

beforeAll(async () => {
  const secrets = JSON.stringify([{ name: 'TOKEN', secret: SECRET }]);
  const settings = { ORCHESTRATOR_HOOKS_SECRETS: secrets };
  opened = await wholeApi({ settings, people });
  strict = await wholeApi({ settings: { ...settings, ORCHESTRATOR_DEPLOYMENTS_RUN_COMMANDS: 'false' } });
  const other = "INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')";
  await opened.database.pool.query(other, [OTHER_PROJECT_ID]);
});
afterAll(async () => {
  await opened?.close();
  await strict?.close();
});

function call(
  method: string,
  path: string,
  body?: unknown,
  { as, if_match }: More = {},
): Promise<TestAnswer> {
  const headers = {
    ...(as !== undefined && { authorization: `Bearer ${tokenOf(as)}` }),
    ...(if_match !== undefined && { 'if-match': `"${if_match}"` }),
  };
  return opened.api.call(method, `/api/v1${path}`, { body, headers });
}

const ALL = `/projects/${PROJECT_ID}/environments`;
const at = (name: string, project_id: string = PROJECT_ID) => `/projects/${project_id}/environments/${name}`;
const fields = (answer: TestAnswer) => answer.json<Fields>();
const problem = (answer: TestAnswer) => `${answer.status} ${answer.json().code}`;
const newName = () => `e${++made}`;
const put = (name: string, body: object = {}, more?: More) =>
  call('PUT', at(name), { deployer: 'tag', ...body }, more);
const pathsOf = (answer: TestAnswer) =>
  fields(answer)
    .errors.map(({ path }) => path)
    .sort();

/** A workflow with one version. */
async function savedWorkflow(): Promise<string> {
  const tag_name = `w${++made}`;
  expect((await call('POST', '/workflows', { tag_name, workflow: definitionOf(made) })).status).toBe(201);
  return tag_name;
}

/** An environment where two releases of a workflow were live one after the other. */
async function released(body: object = {}) {
  const [name, workflow] = [newName(), await savedWorkflow()];
  await put(name, { binds_tags: false, ...body });
  const { db } = opened.database;
  const first = await bringLive(db, name, workflow);
  const second = await bringLive(db, name, workflow);
  return { name, workflow, first, second };
}

describe('an environment', () => {
  it('is set up with every default, read, set up anew and deleted', async () => {
    const name = newName();
    const created = await put(name);
    expect([created.status, created.headers.get('etag')]).toEqual([201, '"1"']);
    expect(fields(created)).toMatchObject({
      ...{ name, project_id: PROJECT_ID, deployer: 'tag', description: '', settings: {}, variables: {} },
      ...{ secrets: {}, checks: [], watch_seconds: 0, staging: null, approval: null, binds_tags: true },
      ...{ version: 1, created_by: 'token:test' },
    });
    expect(fields(await call('GET', at(name)))).toEqual(fields(created));
    const changed = await put(name, { watch_seconds: 60 });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect((await call('DELETE', at(name))).status).toBe(204);
    expect(problem(await call('GET', at(name)))).toBe('404 not_found');
    expect(problem(await call('DELETE', at(name)))).toBe('404 not_found');
  });

  it('keeps everything that it was told', async () => {
    const [name, staging] = [newName(), newName()];
    await call('PUT', at(staging), { deployer: 'webhook', settings: WEBHOOK });
    const body = {
      description: 'Where customers are.',
      deployer: 'webhook',
      settings: WEBHOOK,
      variables: { MODE: 'live' },
      secrets: { API_TOKEN: 'TOKEN' },
      checks: [
        {
          type: 'http',
          url: 'https://example.com/health',
          expect_status: 204,
          contains: 'ok',
          timeout_seconds: 5,
        },
        { type: 'command', argv: ['true'], timeout_seconds: 5 },
        { type: 'workflow', workflow: 'smoke', input: { a: [1, null] } },
      ],
      watch_seconds: 900,
      staging,
      approval: { roles: ['maintainer'], quorum: 2, timeout_seconds: 60, forbid_self: true },
    };
    const created = await call('PUT', at(name), body);
    expect([created.status, fields(created)]).toMatchObject([201, { ...body, binds_tags: false }]);
    expect(created.text).not.toContain(SECRET);
  });

  it('that is set up as it is stays as it is', async () => {
    const name = newName();
    const [first, second] = [
      await put(name, { variables: { a: '1', b: '2' } }),
      await put(name, { variables: { b: '2', a: '1' } }),
    ];
    expect([second.status, fields(second)]).toEqual([200, fields(first)]);
  });

  it('is changed once by 20 who saw the same version', async () => {
    const name = newName();
    await put(name);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => put(name, { watch_seconds: n + 1 }, { if_match: 1 })),
    );
    const codes = answers.map((answer) => (answer.status === 200 ? '200' : problem(answer)));
    expect(codes.sort()).toEqual(['200', ...Array.from({ length: 19 }, () => '412 stale_if_match')]);
    expect(fields(await call('GET', at(name))).version).toBe(2);
    expect(problem(await call('DELETE', at(name), undefined, { if_match: 1 }))).toBe('412 stale_if_match');
    expect((await call('DELETE', at(name), undefined, { if_match: 2 })).status).toBe(204);
    expect(problem(await put(name, {}, { if_match: 2 }))).toBe('412 stale_if_match');
  });

  it('is a maintainer’s to change, everybody’s in the project to see, and nothing to others', async () => {
    const name = newName();
    for (const as of ['viewer', 'editor', 'operator'])
      expect(problem(await put(name, {}, { as }))).toBe('403 forbidden');
    expect((await put(name, {}, { as: 'maintainer' })).status).toBe(201);
    expect(problem(await call('DELETE', at(name), undefined, { as: 'operator' }))).toBe('403 forbidden');
    expect((await call('GET', at(name), undefined, { as: 'viewer' })).status).toBe(200);
    for (const project of [PROJECT_ID, newId()])
      expect(problem(await call('GET', at(name, project), undefined, { as: 'stranger' }))).toBe(
        '404 not_found',
      );
    expect(problem(await call('PUT', at(name), { deployer: 'tag' }, { as: 'stranger' }))).toBe(
      '404 not_found',
    );
    expect(problem(await call('GET', at(name, OTHER_PROJECT_ID)))).toBe('404 not_found');
    expect(problem(await call('GET', '/projects/none/environments'))).toBe('422 validation_failed');
  });

  it('is in the project that the path names: the same may stand in the query, another is refused', async () => {
    const name = newName();
    expect((await put(name, {})).status).toBe(201);
    expect((await call('GET', `${at(name)}?project_id=${PROJECT_ID.toUpperCase()}`)).status).toBe(200);
    const other = await call('GET', `${at(name)}?project_id=${OTHER_PROJECT_ID}`);
    expect(problem(other)).toBe('422 validation_failed');
    expect(other.json()).toMatchObject({ errors: [{ path: '/query/project_id' }] });
  });

  it('is listed by name, page by page', async () => {
    const path = at('', OTHER_PROJECT_ID).replace(/\/$/, '');
    for (const name of ['b', 'a-1', 'a', 'c'])
      await call('PUT', at(name, OTHER_PROJECT_ID), { deployer: 'tag' });
    const first = fields(await call('GET', `${path}?limit=3`));
    const second = fields(await call('GET', `${path}?limit=3&cursor=${first.next_cursor}`));
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['a', 'a-1', 'b', 'c']);
    expect(second.next_cursor).toBeNull();
    expect(problem(await call('GET', `${ALL}?cursor=x`))).toBe('422 validation_failed');
    expect(problem(await call('GET', `${ALL}?limit=0`))).toMatch(/^4(00|22) /);
  });
});

const WEBHOOK = { url: 'https://example.com/deploy', secret: '${{ secrets.TOKEN }}' };
const CLUSTER = { api_url: 'https://example.com', namespace: 'a' };
const http = { type: 'http', url: 'https://example.com' };

describe('an environment that is not set up rightly', () => {
  it.each<[string, object, string[]]>([
    ['an unknown deployer', { deployer: 'ftp' }, ['/deployer']],
    ['settings for tags', { settings: { a: 1 } }, ['/settings']],
    [
      'bound tags elsewhere',
      { deployer: 'command', settings: { deploy: ['x'] }, binds_tags: true },
      ['/binds_tags'],
    ],
    [
      'names no process has',
      { variables: { 'a-b': 'x' }, secrets: { '1': 'TOKEN' } },
      ['/secrets/1', '/variables/a-b'],
    ],
    [
      'too long a watch and too many checks',
      { watch_seconds: 901, checks: Array(21).fill(http) },
      ['/checks', '/watch_seconds'],
    ],
    [
      'checks out of bounds',
      {
        checks: [
          { ...http, url: 'ftp://x' },
          { type: 'command', argv: [] },
          { ...http, timeout_seconds: 61 },
        ],
      },
      ['/checks/0/url', '/checks/1/argv', '/checks/2/timeout_seconds'],
    ],
    [
      'an approval by nobody',
      { approval: { roles: [], quorum: 0 } },
      ['/approval/quorum', '/approval/roles'],
    ],
    [
      'wrong settings',
      {
        deployer: 'kubernetes',
        settings: { ...CLUSTER, api_url: 'x', token: '${{ secrets.TOKEN }}', more: 1 },
      },
      ['/settings', '/settings/api_url'],
    ],
    [
      'open credentials',
      { deployer: 'kubernetes', settings: { ...CLUSTER, token: 'abc' } },
      ['/settings/token'],
    ],
    [
      'an open secret',
      { deployer: 'webhook', settings: { ...WEBHOOK, secret: SECRET } },
      ['/settings/secret'],
    ],
    [
      'unknown secrets, and everything else at once',
      {
        deployer: 'webhook',
        settings: { ...WEBHOOK, secret: '${{ secrets.NONE }}' },
        variables: { A: '1' },
        secrets: { A: 'NONE' },
        staging: 'nowhere',
        checks: [{ type: 'workflow' }],
      },
      ['/checks/0/workflow', '/secrets/A', '/secrets/A', '/settings/secret', '/staging'],
    ],
  ])('with %s is refused', async (_what, body, paths) => {
    const answer = await put(newName(), body);
    expect([problem(answer), pathsOf(answer)]).toEqual(['422 validation_failed', paths]);
    expect(answer.text).not.toContain(SECRET);
  });

  it('with an unknown field, or a name that none may have, is refused', async () => {
    expect(problem(await put(newName(), { wrong: 1 }))).toBe('400 malformed_request');
    for (const name of ['A', '-a', 'a_b', 'a'.repeat(65)])
      expect(problem(await put(name))).toBe('422 validation_failed');
  });

  it('by its staging is refused: itself, a circle, another sort, also when that one changes', async () => {
    const [a, b, c] = [newName(), newName(), newName()];
    await put(a);
    await put(b, { staging: a });
    await put(c, { staging: b });
    const messageOf = async (answer: Promise<TestAnswer>) => fields(await answer).errors[0];
    expect(await messageOf(put(a, { staging: a }))).toMatchObject({ path: '/staging' });
    expect(await messageOf(put(a, { staging: c }))).toEqual({
      path: '/staging',
      message: `closes a circle: ${a} → ${c} → ${b} → ${a}`,
    });
    expect(await messageOf(put(newName(), { deployer: 'release_directory', staging: a }))).toMatchObject({
      path: '/staging',
    });
    expect(await messageOf(put(a, { deployer: 'release_directory' }))).toMatchObject({ path: '/deployer' });
    expect(problem(await call('DELETE', at(a)))).toBe('409 state_conflict');
  });

  it('closes no circle, however many try at once', async () => {
    const names = [newName(), newName(), newName()];
    for (const name of names) await put(name);
    const statuses = await Promise.all(names.map((name, n) => put(name, { staging: names[(n + 1) % 3] })));
    expect(statuses.map(({ status }) => status).sort()).toEqual([200, 200, 422]);
  });
});

describe('what runs programs on the worker’s machine', () => {
  const RUNS: [string, object][] = [
    ['/deployer', { deployer: 'command', settings: { deploy: ['./x'] } }],
    ['/deployer', { deployer: 'docker_compose' }],
    ['/settings/start', { deployer: 'release_directory', settings: { start: ['./x'] } }],
    ['/checks/0', { checks: [{ type: 'command', argv: ['true'] }] }],
  ];

  it.each(RUNS)('%s is set up only where that is allowed', async (path, more) => {
    const body = { deployer: 'tag', ...more };
    const refused = await strict.api.call('PUT', `/api/v1${at(newName())}`, { body });
    expect([problem(refused), refused.json().detail]).toEqual([
      '403 forbidden',
      expect.stringContaining(path),
    ]);
    expect((await call('PUT', at(newName()), body)).status).toBe(201);
  });

  it('does not mean directories without a program', async () => {
    const body = { deployer: 'release_directory' };
    expect((await strict.api.call('PUT', `/api/v1${at(newName())}`, { body })).status).toBe(201);
  });
});

describe('releases', () => {
  it('are listed newest first, page by page, of one subject or all', async () => {
    const { name, workflow, first, second } = await released();
    const list = async (query: string) => fields(await call('GET', `${at(name)}/releases?${query}`));
    const page = await list('limit=1');
    expect(page.items).toMatchObject([
      { id: second, state: 'live', number: 2, subject: workflow, environment: name },
    ]);
    const rest = await list(`limit=1&cursor=${page.next_cursor}`);
    expect([rest.items, rest.next_cursor]).toMatchObject([[{ id: first, state: 'superseded' }], null]);
    expect((await list(`subject=${workflow}`)).items).toHaveLength(2);
    expect((await list('subject=other')).items).toEqual([]);
    const cursor = Buffer.from('{"created_at":"x","id":"y"}').toString('base64url');
    expect(problem(await call('GET', `${at(name)}/releases?cursor=${cursor}`))).toBe('422 validation_failed');
    expect(fields(await call('GET', `${at(name)}/releases/${first}`))).toEqual(rest.items[0]);
  });

  it('are found in their own environment and project only', async () => {
    const [{ name, first }, other] = [await released(), newName()];
    await put(other);
    expect(problem(await call('GET', `${at(other)}/releases/${first}`))).toBe('404 not_found');
    expect(problem(await call('GET', `${at(name)}/releases/${newId()}`))).toBe('404 not_found');
    expect(problem(await call('GET', `${at(name, OTHER_PROJECT_ID)}/releases/${first}`))).toBe(
      '404 not_found',
    );
    expect(problem(await call('GET', `${at('none')}/releases`))).toBe('404 not_found');
  });

  it('keep their environment while one of them is live', async () => {
    const { name } = await released();
    expect(problem(await call('DELETE', at(name)))).toBe('409 state_conflict');
    expect(problem(await put(name, { deployer: 'release_directory' }))).toBe('409 state_conflict');
  });
});

// From here on runs of `deployment` are started.
describe('a deployment', () => {
  it('of a workflow is a run with what it takes, whose place is told', async () => {
    const [environment, workflow] = [newName(), await savedWorkflow()];
    await put(environment);
    const { artifact_id } = fields(await call('GET', `/workflows/${workflow}`));
    const body = { environment, deploy_to_staging: false, watch_seconds: 5 };
    const answer = await call('POST', `/workflows/${workflow}/deploy`, body, { as: 'operator' });
    const run = fields(answer);
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/api/v1/runs/${String(run.id)}`]);
    expect(run).toMatchObject({
      type: 'deployment',
      created_by: 'token:operator',
      input: { kind: 'workflow', workflow, version: artifact_id, ...body },
      labels: { environment, workflow },
    });
  });

  it('back is one of what was live before, or of the release that is named', async () => {
    const { name: environment, workflow, first, second } = await released();
    const rollback = (body: object) => call('POST', `${at(environment)}/rollback`, body, { as: 'operator' });
    const input = { kind: 'workflow', environment, workflow };
    const before = await rollback({ workflow, reason: 'it is slow' });
    expect([before.status, fields(before)]).toMatchObject([
      202,
      { type: 'deployment', input: { ...input, release_id: first }, labels: { reason: 'it is slow' } },
    ]);
    expect(fields(await rollback({ release_id: second })).input).toEqual({ ...input, release_id: second });
  });

  it('is an operator’s, of what is there', async () => {
    const { name: environment, workflow, first } = await released();
    const deploy = (ref: string, body: object, more?: More) =>
      call('POST', `/workflows/${ref}/deploy`, body, more);
    const rollback = (body: object, more?: More) => call('POST', `${at(environment)}/rollback`, body, more);
    expect(problem(await deploy(workflow, { environment }, { as: 'editor' }))).toBe('403 forbidden');
    expect(problem(await rollback({ workflow }, { as: 'editor' }))).toBe('403 forbidden');
    expect(problem(await deploy('none', { environment }))).toBe('404 not_found');
    expect(pathsOf(await deploy(workflow, { environment: 'none' }))).toEqual(['/environment']);
    const elsewhere = newName();
    await put(elsewhere, { deployer: 'release_directory' });
    expect(pathsOf(await deploy(workflow, { environment: elsewhere }))).toEqual(['/environment']);
    expect(problem(await deploy(workflow, { environment, wrong: 1 }))).toBe('400 malformed_request');
    expect(problem(await call('POST', `${at('none')}/rollback`, {}))).toBe('404 not_found');
    expect(pathsOf(await rollback({}))).toEqual(['/workflow']);
    expect(pathsOf(await rollback({ release_id: newId() }))).toEqual(['/release_id']);
    expect(pathsOf(await rollback({ release_id: first, workflow: 'other' }))).toEqual(['/release_id']);
    expect(problem(await rollback({ workflow: 'other' }))).toBe('409 nothing_to_undo');
  });

  it('back is what undoing a bound tag starts, for who may deploy', async () => {
    const { name, workflow, first } = await released({ binds_tags: true });
    const undo = (tag: string, more: More) => call('POST', `/tags/${encodeURIComponent(tag)}/undo`, {}, more);
    const tag = `${workflow}/${name}`;
    expect(problem(await undo(tag, { as: 'operator' }))).toBe('404 not_found');
    await put(name, { binds_tags: false });
    await call('PUT', `/tags/${encodeURIComponent(tag)}`, { target: workflow });
    await put(name, { binds_tags: true });
    expect(problem(await undo(tag, { as: 'editor' }))).toBe('403 forbidden');
    const answer = await undo(tag, { as: 'operator' });
    expect([answer.status, fields(answer).input]).toMatchObject([
      202,
      { release_id: first, environment: name },
    ]);
    const moved = await call('PUT', `/tags/${encodeURIComponent(tag)}`, { target: workflow });
    expect([problem(moved), fields(moved).environment]).toEqual(['409 tag_bound', name]);
  });
});
