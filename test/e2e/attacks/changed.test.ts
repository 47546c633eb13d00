/** Whoever approved something approved that, as it was: what changed meanwhile is 409, and nothing moves. */
import { definitionOf } from '../../support/store.ts';
import { tokenOf, type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { worldOf } from '../idempotency/world.ts';
import { callAs } from '../identity/people.ts';

let whole: WholeApi;
let made = 0;
beforeAll(async () => {
  whole = await wholeApi({ people: { second: { role: 'maintainer' } } });
});
afterAll(() => whole?.close());

const own = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  callAs(whole)(method, path, body, headers);
const second = (method: string, path: string, body?: unknown) =>
  callAs(whole, tokenOf('second'))(method, path, body);

/** A tag that moves with one approval, at its first version, and two versions beside it. */
async function guarded() {
  const name = `guarded${++made}`;
  const save = async (value: number) => {
    const body = { tag_name: name, workflow: { ...definitionOf(value), name } };
    return String((await own('POST', '/workflows', body)).json<{ artifact_id: string }>().artifact_id);
  };
  const [zero, one, two] = [await save(0), await save(1), await save(2)];
  const path = `/tags/${name}%2Flive`;
  expect((await own('PUT', path, { target: zero })).status).toBe(201);
  const rule = { pattern: `${name}/live`, role: 'editor', approvals: 1 };
  expect((await own('POST', '/tag-rules', rule)).status).toBe(201);
  const at = async () => (await own('GET', path)).json<{ version: number; target_id: string }>();
  const approve = async (target: string) =>
    expect((await second('POST', `${path}/approvals`, { target })).status).toBe(201);
  const move = async (target: string) => {
    const { version } = await at();
    const answer = await own('POST', `${path}/move`, { target }, { 'if-match': `"${version}"` });
    return `${answer.status} ${answer.status < 300 ? '' : answer.json().code}`.trim();
  };
  return { path, zero, one, two, at, approve, move };
}

describe('an approval of a move', () => {
  it('is of the version that was named, and of no other', async () => {
    const tag = await guarded();
    await tag.approve(tag.one);
    expect(await tag.move(tag.two)).toBe('409 approval_required');
    expect(await tag.at()).toMatchObject({ version: 1, target_id: tag.zero });
    expect(await tag.move(tag.one)).toBe('200');
  });

  it('is of the place from which it was given: after another move it counts no more', async () => {
    const tag = await guarded();
    await tag.approve(tag.one);
    await tag.approve(tag.two);
    expect(await tag.move(tag.two)).toBe('200');
    expect(await tag.move(tag.one)).toBe('409 approval_required');
    expect(await tag.at()).toMatchObject({ version: 2, target_id: tag.two });
  });

  it('is refused when the tag is not at the version that was seen', async () => {
    const tag = await guarded();
    const body = { target: tag.one, expected_version: 7 };
    const answer = await second('POST', `${tag.path}/approvals`, body);
    expect([answer.status, answer.json().code]).toEqual([409, 'version_conflict']);
  });
});

describe('a proposal', () => {
  const proposed = async () => {
    const world = worldOf(whole, `proposed${++made}`);
    await world.call('POST', '/workflows', { tag_name: world.name, workflow: definitionOf(1) });
    const asked = { workflow: world.name, instructions: 'retry a' };
    const { proposal_id, draft_id } = await world.call('POST', '/refinements', asked);
    await world.propose(String(proposal_id));
    return { world, proposal: `/proposals/${String(proposal_id)}`, draft: `/drafts/${String(draft_id)}` };
  };
  const edit = (name: string) => ({
    tag: `${name}/draft`,
    operations: [{ op: 'add', path: '/nodes/a/config/value', value: 9 }],
  });

  it('is 409 once the draft has changed, and leaves it as it is', async () => {
    const { world, proposal, draft } = await proposed();
    await world.call('POST', '/patches', edit(world.name));
    const before = (await own('GET', draft)).json<{ version_hash: string }>().version_hash;
    expect((await own('POST', `${proposal}/approve`)).status).toBe(409);
    expect((await own('GET', draft)).json<{ version_hash: string }>().version_hash).toBe(before);
  });

  it('of changes that race with its approval loses none of them', async () => {
    const { world, proposal, draft } = await proposed();
    const [edited, approved] = await Promise.all([
      own('POST', '/patches', edit(world.name)),
      own('POST', `${proposal}/approve`),
    ]);
    expect([201, 409]).toContain(edited.status);
    expect([200, 409]).toContain(approved.status);
    const { version_hash } = (await own('GET', draft)).json<{ version_hash: string }>();
    const { definition } = (await own('GET', `/workflows/${version_hash}?materialize=true`)).json<{
      definition: { nodes: { a: { config: { value: number }; timeout_seconds?: number } } };
    }>();
    expect(definition.nodes.a.config.value === 9).toBe(edited.status === 201);
    expect(definition.nodes.a.timeout_seconds === 5).toBe(approved.status === 200);
  });
});
