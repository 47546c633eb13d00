import { type Answer, type Call, type Fields, hostServer } from './host-server.ts';
import { ME, PAGE_LIMIT, type Stand, type Stored } from './stand.ts';

/** A host of the GitHub API with one pull request, whose diff has the lines 1 to 20 of `file1.txt`. */
export function githubStand(): Stand {
  const comments: Stored[] = [];
  let next_id = 1_000;
  let graphql = true;
  const server = hostServer('github', (call) => handle(call));

  const shown = (template: unknown, one: Stored): Fields => ({
    ...(template as Fields),
    id: one.id,
    body: one.body,
    user: { ...((template as Fields).user as Fields), login: one.author },
    ...(one.place && { path: one.place.path, line: one.place.line }),
  });
  const list = (kind: 'line' | 'summary', { query, answer, params }: Call): Answer => {
    const size = Math.min(Number(query.get('per_page') ?? 30), PAGE_LIMIT);
    const page = Number(query.get('page') ?? 1);
    const all = comments.filter((one) => (one.place !== null) === (kind === 'line'));
    const more = page * size < all.length;
    // A client that follows this address would hand its token to whoever is there.
    const link = `<http://127.0.0.1:1/evil?page=${page + 1}>; rel="next", <http://127.0.0.1:1/evil>; rel="last"`;
    expect(params.owner).toBe('octocat');
    const body = all.slice((page - 1) * size, page * size).map((one) => shown((answer as unknown[])[0], one));
    return { body, headers: more ? { link } : {} };
  };
  const update = ({ params, body, answer }: Call, kind: 'line' | 'summary'): Answer => {
    const one = comments.find(
      ({ id, place }) => id === Number(params.comment_id) && (place !== null) === (kind === 'line'),
    );
    if (!one) return { body: null, error: 'not_found' };
    one.body = String(body.body);
    return { body: shown(answer, one) };
  };
  const create = ({ body, answer }: Call, kind: 'line' | 'summary'): Answer => {
    const place = kind === 'line' ? { path: String(body.path), line: Number(body.line) } : null;
    if (place && (body.side !== 'RIGHT' || place.line > 20 || place.path !== 'file1.txt')) {
      return { body: null, error: 'line_not_in_diff' };
    }
    const one: Stored = { id: (next_id += 1), body: String(body.body), author: ME, place, resolved: false };
    comments.push(one);
    return { body: shown(answer, one) };
  };
  const runGraphql = ({ body }: Call): Answer => {
    if (!graphql) return { body: null, error: 'not_found' };
    const { query, variables } = body as { query: string; variables: Fields };
    const threads = comments.filter(({ place }) => place !== null);
    if (query.startsWith('query')) {
      const after = Number(variables.after ?? 0);
      const nodes = threads.slice(after, after + PAGE_LIMIT).map((one) => ({
        id: `PRRT_${one.id}`,
        isResolved: one.resolved,
        comments: { nodes: [{ databaseId: one.id }] },
      }));
      const hasNextPage = after + PAGE_LIMIT < threads.length;
      const pageInfo = { hasNextPage, endCursor: hasNextPage ? String(after + PAGE_LIMIT) : null };
      return { body: { data: { repository: { pullRequest: { reviewThreads: { pageInfo, nodes } } } } } };
    }
    const thread = threads.find(({ id }) => `PRRT_${id}` === variables.id);
    if (!thread) return { body: { data: null, errors: [{ message: 'Could not resolve to a node' }] } };
    thread.resolved = query.includes(' resolveReviewThread');
    return { body: { data: { thread: { isResolved: thread.resolved } } } };
  };
  const handle = (call: Call): Answer => {
    switch (call.name) {
      case 'user':
        return { body: { ...(call.answer as Fields), login: ME } };
      case 'review_comments':
        return list('line', call);
      case 'issue_comments':
        return list('summary', call);
      case 'create_review_comment':
        return create(call, 'line');
      case 'create_issue_comment':
        return create(call, 'summary');
      case 'update_review_comment':
        return update(call, 'line');
      case 'update_issue_comment':
        return update(call, 'summary');
      case 'graphql':
        return runGraphql(call);
      default:
        return { body: call.answer };
    }
  };
  return {
    server,
    comments,
    writes: () => server.calls.filter(({ name }) => /^(create|update)/.test(name)).map(({ name }) => name),
    names: {
      pull: 'pull',
      list: 'review_comments',
      post: 'create_review_comment',
      update: 'update_review_comment',
      update_summary: 'update_issue_comment',
    },
    pullIs({ base, head }) {
      const pull = server.answerOf('pull') as Record<'base' | 'head', { ref: string; sha: string }>;
      pull.base.ref = base;
      pull.head.sha = head;
    },
    add: (one) => comments.push({ ...one, id: (next_id += 1), resolved: false }),
    withoutThreads: () => (graphql = false),
    reset: () => {
      comments.length = 0;
      graphql = true;
    },
  };
}
