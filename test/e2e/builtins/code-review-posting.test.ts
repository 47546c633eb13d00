import type { ReviewComment } from '../../../src/domain/builtins/code-review/comments.ts';
import { githubStand } from '../../code-hosts/github-state.ts';
import { gitlabStand } from '../../code-hosts/gitlab-state.ts';
import { startReviewing, type Reviewing } from './review-support.ts';

const SECRET = `key = "${['AKIA', 'Q3EGR7NZ5TWXKB2M'].join('')}"\n`;
const actions = ({ posted }: { posted: { action: string }[] }) => posted.map(({ action }) => action);

describe.each([
  { kind: 'github', stand: githubStand(), repository: 'octocat/Hello-World', number: 1347 },
  { kind: 'gitlab', stand: gitlabStand(), repository: 'octocat/sub/Hello', number: 133 },
])('code_review of a pull request at $kind', ({ kind, stand, repository, number }) => {
  const { names, pullIs } = stand;
  let at: Reviewing;

  beforeAll(async () => {
    at = await startReviewing({
      ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: '127.0.0.1',
      ORCHESTRATOR_CODE_HOST_KIND: kind,
      ORCHESTRATOR_CODE_HOST_BASE_URL: `${stand.server.url}/`,
      ORCHESTRATOR_CODE_HOST_REPOSITORY: repository,
      ORCHESTRATOR_CODE_HOST_TOKEN: 'test-token',
    });
  });
  afterAll(() => at.stop());
  beforeEach(() => stand.reset());

  test('takes what is not named from the host, and writes nothing unasked', async () => {
    const { orders, coupons } = at.shop.commits;
    pullIs({ base: 'main', head: coupons! });
    const { result } = await at.review({ pull_request: number });
    expect([result.base_commit, result.head_commit]).toEqual([orders, coupons]);
    expect([result.posted, stand.writes()]).toEqual([[], []]);
  });

  test('tells what it found once, and resolves what a later commit mends', async () => {
    const input = { pull_request: number, post_comments: true };
    const reviewOf = async (text: string) => {
      pullIs({ base: 'main', head: await at.branch('leak', { 'file1.txt': text }) });
      stand.server.calls.length = 0;
      return (await at.review(input)).result;
    };
    const first = await reviewOf(`one\n${SECRET}`);
    expect(first).toMatchObject({ approved: false, posting_error: null });
    expect(actions(first)).toEqual(['created', 'created']);
    expect(stand.comments.map(({ place }) => place)).toEqual([{ path: 'file1.txt', line: 2 }, null]);

    stand.server.calls.length = 0;
    expect(actions((await at.review(input)).result)).toEqual(['unchanged', 'unchanged']);
    expect(stand.writes()).toEqual([]);

    expect(actions(await reviewOf(`one\ntwo\n${SECRET}`))).toEqual(['unchanged', 'updated']);
    expect(stand.writes()).toEqual([names.update_summary]);

    const last = await reviewOf('one\ntwo\n');
    expect(last).toMatchObject({ approved: true, posting_error: null });
    expect(actions(last)).toEqual(['updated', 'resolved']);
    expect(stand.comments).toHaveLength(2);
    expect(stand.comments[0]).toMatchObject({ resolved: true });
    expect(stand.comments[1]!.body).toContain('approved');
  });

  test('says which comments the host did not take, and posts the others', async () => {
    pullIs({ base: 'main', head: at.shop.commits.coupons! });
    // The host's own diff has only `file1.txt`: no other line can be commented on.
    const { run, result } = await at.review({ head: 'coupons', pull_request: number, post_comments: true });
    expect(run.state).toBe('completed');
    const { length } = result.comments;
    expect(actions(result)).toEqual([...result.comments.map(() => 'failed'), 'created']);
    expect(result.posting_error).toContain(`${length} of ${length + 1} comments`);
    expect(stand.comments).toMatchObject([{ place: null }]);
  });

  test('ends well when the host is down: the comments are kept', async () => {
    const input = { base: 'main', head: 'coupons', pull_request: number, post_comments: true };
    stand.server.failures.push(
      ...Array.from({ length: 3 }, () => ({ name: names.pull, error: 'server_error' })),
    );
    const { run, result } = await at.review(input);
    expect(run.state).toBe('completed');
    expect(result).toMatchObject({ posted: [], posting_error: 'The code host answered 502.' });
    const steps = (await at.product.steps(run.id)).map(({ node, state }) => [node, state]);
    expect(Object.fromEntries(steps)).toMatchObject({ PostComments: 'succeeded' });
    const kept = await at.product.call<ReviewComment[]>('GET', `/blobs/${result.comments_ref}`);
    expect(kept.body).toEqual(result.comments);
  });

  test('fails, after three attempts, when only the host knows what to review and is down', async () => {
    stand.server.failures.push(
      ...Array.from({ length: 9 }, () => ({ name: names.pull, error: 'server_error' })),
    );
    const { run } = await at.review({ pull_request: number });
    expect(run).toMatchObject({ state: 'failed', error: { step: 'FetchChanges', code: 'code_host_failed' } });
    expect(stand.server.failures).toEqual([]);
  });

  test('posts nothing to a pull request that has moved on', async () => {
    pullIs({ base: 'main', head: at.shop.commits.orders! });
    const input = { base: 'main', head: 'coupons', pull_request: number, post_comments: true };
    const { run, result } = await at.review(input);
    expect(run.state).toBe('completed');
    expect(result.posting_error).toContain('another commit');
    expect(stand.writes()).toEqual([]);
  });

  test('does not post a comment twice whose answer was lost', async () => {
    pullIs({ base: 'main', head: await at.branch('lost', { 'file1.txt': `one\n${SECRET}` }) });
    stand.server.failures.push({ name: names.post, error: 'server_error', after: true });
    const { result } = await at.review({ pull_request: number, post_comments: true });
    expect([actions(result), result.posting_error]).toEqual([['created', 'created'], null]);
    expect(stand.comments).toHaveLength(2);
  });
});
