/**
 * Every route, asked by those of another project for things that are there: the answer is the very one that is given for
 * things that nobody has. A route that is new needs a request in requests.ts, or a reason in one of the tables here.
 */
import { v7 } from 'uuid';
import type { Route } from '../../../src/api/route.ts';
import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import type { Request } from '../idempotency/examples.ts';
import { tokenOf, type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { worldOf } from '../idempotency/world.ts';
import { callAs, somebody } from '../identity/people.ts';
import { nameOf, requestOf } from './requests.ts';

/** Their answer depends on the caller alone, or concerns no project: nothing of a project is named in a request. */
const NAMES_NOTHING: Readonly<Record<string, string>> = {
  'GET /workflows': 'a list',
  'GET /tags': 'a list',
  'GET /tag-rules': 'a list',
  'GET /runs': 'a list',
  'GET /agent-tasks': 'a list',
  'GET /webhooks': 'a list',
  'GET /schedules': 'a list',
  'GET /limits': 'a list',
  'GET /proposals': 'a list',
  'GET /drafts': 'a list',
  'GET /audit': 'a list',
  'GET /audit/verify': 'the chain of the project of the call',
  'GET /audit/export': 'the chain of the project of the call',
  'GET /events/stream': 'the events of the project of the call',
  'GET /ws/runs': 'the events of the project of the call',
};
const LISTS = [
  '/workflows?prefix=P',
  '/tags?prefix=P',
  '/tag-rules',
  '/runs',
  '/webhooks',
  '/proposals',
  '/drafts',
];
/** Nothing that a project has: whoever may ask is told the same. */
const OF_NO_PROJECT: Readonly<Record<string, string>> = {
  'GET /agents': 'agents serve every project',
  'GET /agents/:id': 'agents serve every project',
  'POST /agents/:id/restart': 'agents serve every project',
  'GET /capabilities': 'what the installation can do',
  'GET /admin/jobs/:id': 'for the administrator alone',
  'GET /admin/jobs/:id/findings': 'for the administrator alone',
};
/** They take the names in them for names of the caller’s own project, and refuse nothing. */
const OF_ITS_OWN: Readonly<Record<string, string>> = {
  'POST /workflows': 'a workflow of this name in the caller’s project',
  'POST /webhooks': 'a webhook in the caller’s project',
  'POST /tag-rules': 'a rule for the caller’s project',
  'POST /runs/bulk': 'runs of the caller’s project: none',
  'POST /agent-tasks/next': 'tasks of the caller’s project: none',
  'PUT /blobs': 'bytes that the caller has',
  'PUT /blobs/:cas_id': 'bytes that the caller has',
  'POST /workflows/import': 'a history that the caller has',
  'POST /workflows/import/negotiate': 'what of it is in the caller’s project: nothing',
  'GET /tags/:name/approvals': 'approvals come before the tag: none',
};

/** Alike for what is there and what is not, with another status than 404. */
const OTHERWISE: Readonly<Record<string, number>> = {
  // The environment, a field of the body, is none of the caller’s project.
  'POST /workflows/:ref/deploy': 422,
};

let whole: WholeApi;
let theirs: string;
const callers: Record<string, string> = {};
let made = 0;

beforeAll(async () => {
  theirs = v7();
  const permissions = ['tag:break_glass', 'installation:administer'] as const;
  whole = await wholeApi({ people: { limited: { role: 'owner', permissions, projects: [theirs] } } });
  const sql = `INSERT INTO project (id, name, created_by) VALUES ($1, 'theirs', 'test')`;
  await whole.database.pool.query(sql, [theirs]);
  const member = await somebody(whole, { project_id: theirs, role: 'owner' });
  const key = await member.call('POST', '/auth/api-keys', { name: 'k', role: 'owner', projects: [theirs] });
  callers['a member'] = member.token;
  callers['an API key'] = key.json<{ key: string }>().key;
  callers['a token of the configuration'] = tokenOf('limited');
});
afterAll(() => whole?.close());

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const HASH = /[0-9a-f]{64}/g;
const another = (hash: string) => hash.replace(/./g, (c) => ((parseInt(c, 16) + 1) % 16).toString(16));

/** The same request about things that nobody has, and what makes its answer one about those that are there. */
function absentTwin(request: Request, name: string) {
  const swapped = new Map<string, string>();
  const swap = (make: (one: string) => string) => (one: string) => {
    const other = swapped.get(one) ?? make(one);
    swapped.set(one, other);
    return other;
  };
  const text = JSON.stringify(request)
    .replace(
      UUID,
      swap(() => v7()),
    )
    .replace(HASH, swap(another))
    .replaceAll(
      name,
      swap(() => name.replace('thing', 'absen')),
    );
  const back = (answer: string) =>
    [...swapped].reduce((so_far, [one, other]) => so_far.replaceAll(other, one), answer);
  return { twin: JSON.parse(text) as Request, back, names_nothing: swapped.size === 0 };
}

async function ask(row: Route, token: string, { path, body, headers }: Request, project_id?: string) {
  const more: Record<string, string> = project_id === undefined ? {} : { 'x-project-id': project_id };
  const answer = await callAs(whole, token)(row.method.toUpperCase(), path, body, { ...headers, ...more });
  return { status: answer.status, text: answer.text.replace(/"request_id":"[^"]+"/, '') };
}

const asked = () =>
  whole.routes.filter((row) => {
    const name = nameOf(row);
    if (!row.handler || row.public || row.root || row.installation || row.path.startsWith('/admin/'))
      return false;
    return !(name in NAMES_NOTHING) && !(name in OF_NO_PROJECT);
  });

/** What each of the callers is told that should not be so. */
async function walk(row: Route) {
  const name = nameOf(row);
  const thing = `thing${++made}`;
  const request = await requestOf(name, whole, thing);
  const { twin, back, names_nothing } = absentTwin(request, thing);
  const wrong: unknown[] = names_nothing ? [`${name} names nothing`] : [];
  for (const [who, token] of Object.entries(callers)) {
    const pairs = [
      [await ask(row, token, request), await ask(row, token, twin)],
      // The same, with the project named to which it belongs, or one that nobody has.
      [await ask(row, token, request, DEFAULT_PROJECT_ID), await ask(row, token, twin, v7())],
    ] as const;
    pairs.forEach(([there, absent], n) => {
      // A path that names its project has named it already.
      if (n === 0 ? name in OF_ITS_OWN : row.project_in_path) return;
      const status = n === 0 ? (OTHERWISE[name] ?? 404) : 404;
      const alike = there.status === absent.status && there.text === back(absent.text);
      if (!alike || there.status !== status) wrong.push({ name, who, n, request, there, absent });
    });
  }
  return { wrong, request };
}

it('whoever is of another project is told of what is there what everybody is told of what is not', async () => {
  const wrong: unknown[] = [];
  for (const row of asked()) {
    const { wrong: found, request } = await walk(row);
    wrong.push(...found);
    if (row.path.includes('/ws/') || row.path.endsWith('/stream')) continue;
    // It was there indeed, and still is as it was.
    const own = await callAs(whole)(row.method.toUpperCase(), request.path, request.body, request.headers);
    if (own.status >= 300) wrong.push({ name: nameOf(row), request, status: own.status, text: own.text });
  }
  expect(wrong).toEqual([]);
  expect(asked().length).toBeGreaterThan(90);
});

it('a list has nothing of another project in it', async () => {
  const mine = `thing${++made}`;
  const world = worldOf(whole, mine);
  await requestOf('GET /runs/:id', whole, mine);
  await world.call('POST', '/refinements', { workflow: mine, instructions: 'retry a' });
  await world.call('POST', '/webhooks', { url: `https://${mine}.test/` });
  await world.call('POST', '/tag-rules', { pattern: `${mine}/*`, role: 'editor' });
  for (const path of LISTS) {
    const list = path.replace('=P', `=${mine}`);
    expect([list, (await callAs(whole)('GET', list)).text.includes(mine)]).toEqual([list, true]);
    for (const token of Object.values(callers)) {
      const answer = await callAs(whole, token)('GET', list);
      expect([list, answer.status, answer.text.includes(mine)]).toEqual([list, 200, false]);
      const named = await callAs(whole, token)('GET', list, undefined, {
        'x-project-id': DEFAULT_PROJECT_ID,
      });
      expect([list, named.status]).toEqual([list, 404]);
    }
  }
});
