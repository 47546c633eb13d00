import { type Answer, type Call, type Fields, hostServer } from './host-server.ts';
import { ME, PAGE_LIMIT, type Stand, type Stored } from './stand.ts';

interface MergeRequest {
  target_branch: string;
  sha: string;
  diff_refs: { base_sha: string; head_sha: string; start_sha: string };
}

/** A host of the GitLab API with one merge request, whose diff has the lines 1 to 20 of `file1.txt`. */
export function gitlabStand(): Stand {
  const comments: Stored[] = [];
  let next_id = 1_000;
  let may_resolve = true;
  const server = hostServer('gitlab', (call) => handle(call));

  const pullNow = () => server.answerOf('merge_request') as MergeRequest;
  const noteOf = (template: unknown, one: Stored): Fields => ({
    ...(template as Fields),
    id: one.id,
    body: one.body,
    author: { ...((template as Fields).author as Fields), username: one.author },
    resolved: one.resolved,
  });
  const discussionOf = (template: unknown, one: Stored): Fields => {
    const [note] = (template as Fields).notes as unknown[];
    return {
      ...(template as Fields),
      id: `d${one.id}`,
      individual_note: one.place === null,
      notes: [noteOf(note, one)],
    };
  };
  const add = (body: unknown, place: Stored['place']): Stored => {
    const one = { id: (next_id += 1), body: String(body), author: ME, place, resolved: false };
    comments.push(one);
    return one;
  };
  const list = ({ query, answer, params }: Call): Answer => {
    expect(params.id).toBe('octocat/sub/Hello');
    const size = Math.min(Number(query.get('per_page') ?? 20), PAGE_LIMIT);
    const page = Number(query.get('page') ?? 1);
    const [template] = answer as unknown[];
    const body = comments.slice((page - 1) * size, page * size).map((one) => discussionOf(template, one));
    return { body, headers: { 'x-next-page': page * size < comments.length ? String(page + 1) : '' } };
  };
  const create = ({ body, answer }: Call): Answer => {
    const { new_path, new_line, position_type, ...commits } = body.position as Fields;
    expect([position_type, commits]).toMatchObject(['text', pullNow().diff_refs]);
    if (Number(new_line) > 20 || new_path !== 'file1.txt') return { body: null, error: 'line_not_in_diff' };
    return { body: discussionOf(answer, add(body.body, { path: new_path, line: Number(new_line) })) };
  };
  const update = ({ params, body, answer }: Call): Answer => {
    const one = comments.find(({ id }) => id === Number(params.note_id));
    const in_thread = params.discussion_id !== undefined;
    if (!one || in_thread !== (one.place !== null)) return { body: null, error: 'not_found' };
    one.body = String(body.body);
    return { body: noteOf(answer, one) };
  };
  const resolve = ({ params, body, answer }: Call): Answer => {
    const one = comments.find(({ id }) => `d${id}` === params.discussion_id);
    if (!one || !may_resolve) return { body: null, error: 'not_found' };
    one.resolved = body.resolved === true;
    return { body: discussionOf(answer, one) };
  };
  const handle = (call: Call): Answer => {
    switch (call.name) {
      case 'user':
        return { body: { ...(call.answer as Fields), username: ME } };
      case 'discussions':
        return list(call);
      case 'create_discussion':
        return create(call);
      case 'create_note':
        return { body: noteOf(call.answer, add(call.body.body, null)) };
      case 'update_discussion_note':
      case 'update_note':
        return update(call);
      case 'resolve_discussion':
        return resolve(call);
      default:
        return { body: call.answer };
    }
  };
  return {
    server,
    comments,
    writes: () => server.calls.filter(({ name }) => /^(create|update)/.test(name)).map(({ name }) => name),
    names: {
      pull: 'merge_request',
      list: 'discussions',
      post: 'create_discussion',
      update: 'update_discussion_note',
      update_summary: 'update_note',
    },
    pullIs({ base, head }) {
      const pull = pullNow();
      pull.target_branch = base;
      pull.sha = pull.diff_refs.head_sha = head;
    },
    add: (one) => comments.push({ ...one, id: (next_id += 1), resolved: false }),
    withoutThreads: () => (may_resolve = false),
    reset: () => {
      comments.length = 0;
      may_resolve = true;
    },
  };
}
