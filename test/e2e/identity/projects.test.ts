import type { TestAnswer } from '../../../src/api/app-fixture.ts';
import { ROLES } from '../../../src/contract/roles.ts';
import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import { newId } from '../../../src/ids.ts';
import { type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { callAs, type Somebody, somebody } from './people.ts';

interface Project {
  id: string;
  name: string;
  status: string;
  version: number;
  created_at: string;
}
interface Member {
  user_id: string;
  role: string;
}

let whole: WholeApi;
let ada: Somebody;
let bob: Somebody;
let made = 0;

beforeAll(async () => {
  whole = await wholeApi();
  ada = await somebody(whole);
  bob = await somebody(whole);
});
afterAll(() => whole?.close());

const newProject = async (owner: Somebody = ada): Promise<Project> => {
  const answer = await owner.call('POST', '/projects', { name: `project ${++made}` });
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.json<Project>();
};
const admin = (method: string, path: string, body?: unknown) => callAs(whole)(method, path, body);
const items = <T>(answer: TestAnswer) => answer.json<{ items: T[] }>().items;
const statusOf = async (answer: Promise<TestAnswer>) => (await answer).status;

const definition = (name: string) => ({
  schema_version: 1,
  name,
  nodes: { a: { type: 'transform', config: { value: 1 } } },
});

/** A run that is open for as long as nobody carries it out. */
async function openRun(project_id: string): Promise<string> {
  const at = `?project_id=${project_id}`;
  await admin('POST', `/workflows${at}`, { tag_name: 'w', workflow: definition('w') });
  const started = await admin('POST', `/runs${at}`, { workflow: 'w' });
  expect([started.status, started.text]).toEqual([202, started.text]);
  return started.json<{ id: string }>().id;
}
const end = (id: string) =>
  whole.database.pool.query(`UPDATE run SET state = 'completed', ended_at = now() WHERE id = $1`, [id]);

describe('a project', () => {
  it('has the fields that it was made with, and its maker as its owner', async () => {
    const fields = { name: 'My Project', description: 'Project description', type: 'standard' };
    const answer = await ada.call('POST', '/projects', fields);
    const project = answer.json<Project>();
    expect(answer.status).toBe(201);
    expect(project).toMatchObject({
      ...fields,
      status: 'active',
      version: 1,
      created_by: `user:${ada.user_id}`,
    });
    expect(answer.headers.get('location')).toBe(`/api/v1/projects/${project.id}`);
    const got = await ada.call('GET', `/projects/${project.id}`);
    expect([got.json(), got.headers.get('etag')]).toEqual([project, '"1"']);
    expect(items<Member>(await ada.call('GET', `/projects/${project.id}/members`))).toMatchObject([
      { user_id: ada.user_id, email: ada.email, role: 'owner' },
    ]);
    expect(await statusOf(bob.call('POST', '/projects', { name: 'My Project' }))).toBe(409);
  });

  it('is changed by its owner, at the version that was seen', async () => {
    const { id } = await newProject();
    const put = (body: object, if_match?: number) =>
      ada.call('PUT', `/projects/${id}`, body, if_match === undefined ? {} : { 'if-match': `"${if_match}"` });
    const changed = await put({ description: 'new' }, 1);
    expect([changed.status, changed.json<Project>()]).toMatchObject([
      200,
      { version: 2, description: 'new', type: 'standard' },
    ]);
    expect((await put({ description: 'newer' }, 1)).json().code).toBe('stale_if_match');
    expect((await put({})).status).toBe(422);
    expect((await put({ name: 'default' })).json().code).toBe('state_conflict');
    expect((await put({ owner: 'me' })).status).toBe(400);
  });

  it.each([
    [{}, ['/name']],
    [{ name: '' }, ['/name']],
    [{ name: 'x', type: 'No Word' }, ['/type']],
    [{ name: 'x'.repeat(201), description: 'x'.repeat(10_001) }, ['/name', '/description']],
  ])('%j is none', async (body, paths) => {
    const answer = await ada.call('POST', '/projects', body);
    expect([answer.status, answer.json().errors?.map(({ path }) => path)]).toEqual([422, paths]);
  });

  it('is listed for its members only, by status and type, page by page', async () => {
    const carol = await somebody(whole);
    const projects: Project[] = [];
    for (let i = 0; i < 5; i++) projects.push(await newProject(carol));
    await carol.call('PUT', `/projects/${projects[0]!.id}`, { status: 'archived' });
    await carol.call('PUT', `/projects/${projects[1]!.id}`, { type: 'special' });
    const ids = async (query: string) =>
      items<Project>(await carol.call('GET', `/projects${query}`)).map(({ id }) => id);
    const newest_first = projects.map(({ id }) => id).reverse();
    expect(await ids('')).toEqual(newest_first);
    expect(await ids('?status=archived')).toEqual([projects[0]!.id]);
    expect(await ids('?status=active&limit=10')).toEqual(newest_first.slice(0, 4));
    expect(await ids('?type=special')).toEqual([projects[1]!.id]);
    expect(await statusOf(carol.call('GET', '/projects?status=deleted'))).toBe(422);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const answer: TestAnswer = await carol.call('GET', `/projects?limit=2${cursor && `&cursor=${cursor}`}`);
      const page = answer.json<{ items: Project[]; next_cursor: string | null }>();
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(newest_first);
    expect(await statusOf(carol.call('GET', '/projects?cursor=bm90'))).toBe(422);
    expect(items<Project>(await admin('GET', '/projects?limit=100')).map(({ id }) => id)).toEqual(
      expect.arrayContaining([DEFAULT_PROJECT_ID, ...newest_first]),
    );
  });

  it('of somebody else is as if there were none, on every route of it', async () => {
    const { id } = await newProject();
    const body = (answer: TestAnswer) => ({ ...answer.json<object>(), request_id: '' });
    for (const unknown of ['', '/usage', '/members', '/environments', '/secrets']) {
      const [foreign, absent] = [
        await bob.call('GET', `/projects/${id}${unknown}`),
        await bob.call('GET', `/projects/${newId()}${unknown}`),
      ];
      expect([foreign.status, body(foreign)]).toEqual([404, body(absent)]);
    }
    const in_it = `project_id=${id}`;
    expect(await statusOf(bob.call('GET', `/workflows?${in_it}`))).toBe(404);
    expect(await statusOf(bob.call('POST', `/runs?${in_it}`, { workflow: 'w' }))).toBe(404);
    expect(await statusOf(bob.call('DELETE', `/projects/${id}`))).toBe(404);
    expect(await statusOf(bob.call('GET', '/workflows'))).toBe(
      items(await bob.call('GET', '/projects')).length > 0 ? 200 : 404,
    );
  });

  it('that somebody starts runs in by the body needs a role there, not only in that of the call', async () => {
    const [mine, theirs] = [await newProject(bob), await newProject()];
    await ada.call('POST', `/projects/${theirs.id}/members`, { email: bob.email, role: 'viewer' });
    const start = (project_id: string) =>
      bob.call('POST', `/workflows?project_id=${mine.id}`, {
        name: 'x',
        type: 'code_execution',
        project_id,
        input: { language: 'bash', source: 'true' },
      });
    expect((await start(theirs.id)).status).toBe(403);
    await ada.call('PUT', `/projects/${theirs.id}/members/${bob.user_id}`, { role: 'editor' });
    expect([202, 501]).toContain((await start(theirs.id)).status);
    await ada.call('DELETE', `/projects/${theirs.id}/members/${bob.user_id}`);
    expect((await start(theirs.id)).status).toBe(404);
  });
});

describe('members', () => {
  it('may do what their role in this project says, from the next request on', async () => {
    const [one, two] = [await newProject(), await newProject()];
    await ada.call('POST', `/projects/${two.id}/members`, { email: bob.email, role: 'owner' });
    const save = (project_id: string) =>
      statusOf(
        bob.call('POST', `/workflows?project_id=${project_id}`, {
          tag_name: newId().slice(-12).replace(/^/, 't'),
          workflow: definition('x'),
        }),
      );
    const expected = { viewer: 403, editor: 201, operator: 201, maintainer: 201, owner: 201 };
    for (const role of ROLES) {
      const put = await ada.call('PUT', `/projects/${one.id}/members/${bob.user_id}`, { role });
      expect(put.status).toBe(role === 'viewer' ? 201 : 200);
      expect(put.json<Member>()).toMatchObject({
        user_id: bob.user_id,
        role,
        added_by: `user:${ada.user_id}`,
      });
      expect([role, await save(one.id)]).toEqual([role, expected[role]]);
      expect(await save(two.id)).toBe(201);
    }
    expect(await statusOf(ada.call('DELETE', `/projects/${one.id}/members/${bob.user_id}`))).toBe(204);
    expect([await save(one.id), await save(two.id)]).toEqual([404, 201]);
  });

  it('are let in and put out by owners only', async () => {
    const { id } = await newProject();
    await ada.call('POST', `/projects/${id}/members`, { email: bob.email, role: 'maintainer' });
    const carol = await somebody(whole);
    const tries = [
      bob.call('POST', `/projects/${id}/members`, { email: carol.email, role: 'viewer' }),
      bob.call('PUT', `/projects/${id}/members/${bob.user_id}`, { role: 'owner' }),
      bob.call('DELETE', `/projects/${id}/members/${ada.user_id}`),
      bob.call('PUT', `/projects/${id}`, { name: 'mine now' }),
      bob.call('DELETE', `/projects/${id}`),
    ];
    expect(await Promise.all(tries.map(statusOf))).toEqual([403, 403, 403, 403, 403]);
  });

  it('are users, and listed by their ids, page by page', async () => {
    const { id } = await newProject();
    expect(await statusOf(ada.call('PUT', `/projects/${id}/members/${newId()}`, { role: 'viewer' }))).toBe(
      404,
    );
    const unknown = { email: 'nobody@example.org', role: 'viewer' };
    expect(await statusOf(ada.call('POST', `/projects/${id}/members`, unknown))).toBe(404);
    expect(
      await statusOf(ada.call('POST', `/projects/${id}/members`, { email: bob.email, role: 'king' })),
    ).toBe(422);
    await ada.call('POST', `/projects/${id}/members`, { email: bob.email, role: 'viewer' });
    const first = (await ada.call('GET', `/projects/${id}/members?limit=1`)).json<{
      items: Member[];
      next_cursor: string;
    }>();
    const second = items<Member>(
      await ada.call('GET', `/projects/${id}/members?limit=1&cursor=${first.next_cursor}`),
    );
    expect([...first.items, ...second].map(({ user_id }) => user_id)).toEqual(
      [ada.user_id, bob.user_id].sort(),
    );
  });

  it('leave at least one owner, also when two owners remove each other at once', async () => {
    const { id } = await newProject();
    expect(await statusOf(ada.call('DELETE', `/projects/${id}/members/${ada.user_id}`))).toBe(409);
    expect(
      await statusOf(ada.call('PUT', `/projects/${id}/members/${ada.user_id}`, { role: 'editor' })),
    ).toBe(409);
    for (let round = 0; round < 5; round++) {
      await admin('PUT', `/projects/${id}/members/${ada.user_id}`, { role: 'owner' });
      await admin('PUT', `/projects/${id}/members/${bob.user_id}`, { role: 'owner' });
      const statuses = await Promise.all(
        [
          ada.call('DELETE', `/projects/${id}/members/${bob.user_id}`),
          bob.call('DELETE', `/projects/${id}/members/${ada.user_id}`),
        ].map(statusOf),
      );
      expect(statuses.filter((status) => status === 204)).toHaveLength(1);
      const owners = items<Member>(await admin('GET', `/projects/${id}/members`));
      expect(owners.filter(({ role }) => role === 'owner')).toHaveLength(1);
    }
  });
});

describe('an archived project', () => {
  it('was at rest: what runs is shown before', async () => {
    const { id } = await newProject();
    const run_id = await openRun(id);
    const usage = (await ada.call('GET', `/projects/${id}/usage`)).json<object>();
    expect(usage).toEqual({
      open_runs: 1,
      runs: [{ id: run_id, type: 'dag', workflow: 'w', state: expect.any(String) as string }],
      environments: [],
    });
    const refused = await ada.call('PUT', `/projects/${id}`, { status: 'archived' });
    expect([refused.status, refused.json()]).toMatchObject([409, { code: 'state_conflict', usage }]);
    expect(await statusOf(ada.call('DELETE', `/projects/${id}`))).toBe(409);
    await end(run_id);
    expect(await statusOf(ada.call('PUT', `/projects/${id}`, { status: 'archived' }))).toBe(200);
  });

  it('can be read, nothing can be done in it, and it can be taken back', async () => {
    const { id } = await newProject();
    await end(await openRun(id));
    await ada.call('PUT', `/projects/${id}`, { status: 'archived' });
    const at = `?project_id=${id}`;
    expect(await statusOf(ada.call('GET', `/workflows/w${at}`))).toBe(200);
    expect(await statusOf(ada.call('GET', `/runs${at}`))).toBe(200);
    const writes = [
      ada.call('POST', `/runs${at}`, { workflow: 'w' }),
      ada.call('POST', `/workflows${at}`, { tag_name: 'v', workflow: definition('v') }),
      ada.call('DELETE', `/tags/w${at}`),
      ada.call('PUT', `/projects/${id}/environments/staging`, { deployer: 'tag' }),
      ada.call('POST', `/projects/${id}/members`, { email: bob.email, role: 'viewer' }),
      ada.call('POST', '/workflows', {
        name: 'x',
        type: 'code_execution',
        project_id: id,
        input: { language: 'bash', source: 'true' },
      }),
    ];
    for (const answer of await Promise.all(writes))
      expect([answer.status, answer.json()]).toMatchObject([409, { detail: 'The project is archived.' }]);
    expect(await statusOf(ada.call('PUT', `/projects/${id}`, { status: 'active' }))).toBe(200);
    expect(await statusOf(ada.call('POST', `/runs${at}`, { workflow: 'w' }))).toBe(202);
  });

  it('can be deleted, and then is none; another one may have its name', async () => {
    const project = await newProject();
    const path = `/projects/${project.id}`;
    expect((await ada.call('DELETE', path)).json()).toMatchObject({
      code: 'state_conflict',
      detail: 'Only an archived project can be deleted.',
    });
    await ada.call('PUT', path, { status: 'archived' });
    const stale = await ada.call('DELETE', path, undefined, { 'if-match': '"1"' });
    expect(stale.status).toBe(412);
    expect(await statusOf(ada.call('DELETE', path))).toBe(204);
    expect(await statusOf(ada.call('DELETE', path))).toBe(404);
    expect(await statusOf(ada.call('GET', path))).toBe(404);
    expect(await statusOf(admin('GET', `/workflows?project_id=${project.id}`))).toBe(404);
    expect(items<Project>(await ada.call('GET', '/projects')).map(({ id }) => id)).not.toContain(project.id);
    expect(await statusOf(ada.call('POST', '/projects', { name: project.name }))).toBe(201);
  });

  it('is never the default one', async () => {
    const path = `/projects/${DEFAULT_PROJECT_ID}`;
    expect((await admin('PUT', path, { status: 'archived' })).status).toBe(409);
    expect((await admin('DELETE', path)).status).toBe(409);
  });
});
