import { githubHost } from '../../src/clients/code-hosts/github.ts';
import { gitlabHost } from '../../src/clients/code-hosts/gitlab.ts';
import { readMarker } from '../../src/clients/code-hosts/marker.ts';
import { syncComments } from '../../src/clients/code-hosts/sync-comments.ts';
import { createGuardedFetch } from '../../src/clients/http/guarded-fetch.ts';
import type { PostedComment, WantedComment } from '../../src/contract/code-host.ts';
import { githubStand } from './github-state.ts';
import { gitlabStand } from './gitlab-state.ts';
import { ME } from './stand.ts';

const TOKEN = 'ghp_secret-token';
const fetch = createGuardedFetch({ allow: ['127.0.0.1'], timeout_ms: 20_000 });
afterAll(() => fetch.close());

const actions = (posted: readonly PostedComment[]) =>
  posted.map(({ fingerprint, action }) => `${fingerprint} ${action}`);
const remark = (fingerprint: string, body = `about ${fingerprint}`, line = 2): WantedComment => ({
  fingerprint,
  body,
  place: { path: 'file1.txt', line },
});
const summary = (body = 'all in all'): WantedComment => ({ fingerprint: 'summary', body, place: null });

describe.each([
  {
    kind: 'github',
    stand: githubStand(),
    client: githubHost,
    repository: 'octocat/Hello-World',
    number: 1347,
  },
  { kind: 'gitlab', stand: gitlabStand(), client: gitlabHost, repository: 'octocat/sub/Hello', number: 133 },
])('$kind', ({ kind, stand, client, repository, number }) => {
  const { server, comments, names } = stand;
  const open = () =>
    client({ fetch, base_url: server.url, repository, token: TOKEN, first_retry_ms: 1, max_wait_ms: 2_000 });
  const sync = async (wanted: WantedComment[], host = open()) => {
    server.calls.length = 0;
    return syncComments(host, await host.pullRequest(number), wanted);
  };
  beforeEach(() => stand.reset());

  test('a pull request is read', async () => {
    const pull = await open().pullRequest(number);
    expect(pull).toMatchObject(
      kind === 'github'
        ? {
            number,
            state: 'open',
            author: 'reviewer',
            base: { ref: 'master' },
            head: { ref: 'new-topic', commit: '6dcb09b5b57875f334f61aebed695e2e4193db5e' },
          }
        : {
            number,
            state: 'open',
            author: 'reviewer',
            base: { ref: 'main' },
            head: { ref: 'manual-job-rules', commit: 'e82eb4a098e32c796079ca3915e07487fc4db24c' },
          },
    );
  });

  test('what is missing is posted, and the same again changes nothing', async () => {
    const wanted = [remark('a'), remark('b', 'b', 20), summary()];
    expect(actions(await sync(wanted))).toEqual(['a created', 'b created', 'summary created']);
    expect(comments.map(({ place }) => place)).toEqual([
      { path: 'file1.txt', line: 2 },
      { path: 'file1.txt', line: 20 },
      null,
    ]);
    const again = await sync(wanted);
    expect(actions(again)).toEqual(['a unchanged', 'b unchanged', 'summary unchanged']);
    expect(again.map(({ comment_id }) => comment_id)).toEqual(comments.map(({ id }) => String(id)));
    expect(again.every(({ url }) => url !== null)).toBe(true);
    expect(stand.writes()).toEqual([]);
  });

  test('what differs is changed in place, what is gone is resolved once, what comes back is opened again', async () => {
    await sync([remark('a'), remark('b'), summary()]);
    expect(actions(await sync([remark('a', 'better said'), summary('new summary')]))).toEqual([
      'a updated',
      'summary updated',
      'b resolved',
    ]);
    expect(comments).toHaveLength(3);
    expect(comments.map(({ resolved }) => resolved)).toEqual([false, true, false]);
    expect(comments[0]!.body).toContain('better said');
    expect(comments[1]!.body).toMatch(/Resolved.*about b/s);

    expect(actions(await sync([remark('a', 'better said'), summary('new summary')]))).toEqual([
      'a unchanged',
      'summary unchanged',
    ]);
    expect(stand.writes()).toEqual([]);

    expect(actions(await sync([remark('a', 'better said'), remark('b'), summary('new summary')]))).toEqual([
      'a unchanged',
      'b updated',
      'summary unchanged',
    ]);
    expect(comments[1]).toMatchObject({ resolved: false });
    expect(readMarker(comments[1]!.body)).toMatchObject({ resolved: false, body: 'about b' });
  });

  test('a thread that somebody resolved by hand stays resolved', async () => {
    await sync([remark('a')]);
    comments[0]!.resolved = true;
    expect(actions(await sync([remark('a')]))).toEqual(['a unchanged']);
    expect(comments[0]!.resolved).toBe(true);
  });

  test('without the right to resolve threads the comment says it', async () => {
    await sync([remark('a')]);
    stand.withoutThreads();
    expect(actions(await sync([]))).toEqual(['a resolved']);
    expect([comments[0]!.resolved, readMarker(comments[0]!.body)?.resolved]).toEqual([false, true]);
    expect(actions(await sync([]))).toEqual([]);
  });

  test('comments of others are left alone, also those that quote or copy a marker', async () => {
    await sync([remark('a')]);
    stand.add({ body: 'I think so too', author: 'somebody', place: null });
    stand.add({ body: comments[0]!.body, author: 'somebody', place: { path: 'file1.txt', line: 3 } });
    stand.add({ body: `> ${comments[0]!.body}\n\nno`, author: ME, place: { path: 'file1.txt', line: 3 } });
    expect(actions(await sync([]))).toEqual(['a resolved']);
    expect(comments.slice(1).some(({ body, resolved }) => resolved || body.includes('Resolved'))).toBe(false);
  });

  test('a remark that is there twice is resolved once', async () => {
    await sync([remark('a')]);
    stand.add({ ...comments[0]!, author: ME });
    expect(actions(await sync([remark('a')]))).toEqual(['a unchanged', 'a resolved']);
    expect(comments.map(({ resolved }) => resolved)).toEqual([false, true]);
  });

  test('all pages are read, and no address that the host names is followed', async () => {
    const wanted = Array.from({ length: 11 }, (_, i) => remark(`f${i}`));
    await sync([...wanted, summary()]);
    expect(new Set(actions(await sync([...wanted, summary()])).map((text) => text.split(' ')[1]))).toEqual(
      new Set(['unchanged']),
    );
    expect(server.calls.filter(({ name }) => name === names.list).length).toBeGreaterThanOrEqual(4);
    expect(actions(await sync([...wanted.slice(0, 10), summary()])).at(-1)).toBe('f10 resolved');
    expect(comments.filter(({ resolved }) => resolved)).toHaveLength(1);
  });

  test('a line that is not in the diff is reported, and the others go on', async () => {
    const posted = await sync([remark('a'), remark('off', 'x', 21), remark('b'), summary()]);
    expect(actions(posted)).toEqual(['a created', 'off failed', 'b created', 'summary created']);
    expect(posted[1]).toMatchObject({
      comment_id: null,
      error: expect.stringMatching(/answered 4(22|00)/) as string,
    });
  });

  test('a rate limit is waited for, as long as the host says', async () => {
    server.failures.push(
      { name: names.post, error: 'secondary_rate_limit' },
      { name: names.list, error: 'rate_limited' },
    );
    expect(actions(await sync([remark('a')]))).toEqual(['a created']);
    expect(comments).toHaveLength(1);
  });

  test('a host that asks for too much patience is given up, and the rest is not tried', async () => {
    server.failures.push({
      name: names.post,
      error: 'secondary_rate_limit',
      headers: { 'retry-after': '3600' },
    });
    const posted = await sync([remark('a'), remark('b')]);
    expect(actions(posted)).toEqual(['a failed', 'b failed']);
    expect(stand.writes()).toHaveLength(1);
  });

  test('errors of the host are tried again where that is harmless', async () => {
    await sync([remark('a')]);
    server.failures.push(
      { name: names.list, error: 'server_error' },
      { name: names.update, error: 'server_error' },
      { name: names.update, error: 'server_error' },
    );
    expect(actions(await sync([remark('a', 'other')]))).toEqual(['a updated']);
    server.failures.push(...Array.from({ length: 3 }, () => ({ name: names.list, error: 'server_error' })));
    await expect(sync([remark('a')])).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each([
    ['was done before the answer was lost', true],
    ['was never done', false],
  ])('a post that %s leaves one comment', async (_what, after) => {
    server.failures.push({ name: names.post, error: 'server_error', after });
    expect(actions(await sync([remark('a')]))).toEqual(['a created']);
    expect(comments).toHaveLength(1);
  });

  test('a token that may not do it is told, without the token', async () => {
    server.transcript.errors.unauthorized!.body = { message: `Bad credentials: ${TOKEN}` };
    server.failures.push({ name: names.list, error: 'unauthorized' });
    const failure = await sync([remark('a')]).then(
      () => null,
      (error: Error) => error,
    );
    expect(failure).toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('Bad credentials: ***') as string,
    });
    expect(JSON.stringify([failure, failure?.message, failure?.stack])).not.toContain(TOKEN);
  });

  test('a token without an account knows its comments by the marker', async () => {
    const host = open();
    server.failures.push({ name: 'user', error: 'no_user' });
    await sync([remark('a')], host);
    server.failures.push({ name: 'user', error: 'no_user' });
    expect(actions(await sync([remark('a')], open()))).toEqual(['a unchanged']);
  });

  test('an aborted call ends with the reason', async () => {
    const reason = new Error('enough');
    await expect(open().pullRequest(number, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('a repository of another form is refused', () => {
    for (const bad of ['../x', 'a', 'a/b?c', 'a/b#c', 'a/%2e']) {
      expect(() => client({ fetch, base_url: server.url, repository: bad, token: TOKEN })).toThrow('is');
    }
  });
});
