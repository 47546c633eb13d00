import { WebSocket } from 'ws';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';

interface Proposal extends Record<string, unknown> {
  id: string;
  draft_id: string;
  thread_id: string;
  status: string;
  patch: { op: string; path: string; value?: unknown }[] | null;
  message: string | null;
  questions: string[] | null;
  understood: boolean | null;
  diff: { nodes: { added: string[]; removed: string[]; changed: { node: string }[] } } | null;
  validation: { valid: boolean } | null;
}
interface Draft extends Record<string, unknown> {
  id: string;
  tag: string;
  state: string;
  tag_version: number | null;
  version_hash: string | null;
}
interface Asked {
  proposal_id: string;
  thread_id: string;
  draft_id: string;
  status: string;
  websocket_url: string;
}

let product: Product;
let made = 0;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.stop());

const two = (name: string) =>
  definition(name, {
    fetch: transform(1),
    store: transform('${{ steps.fetch.output }}', { needs: ['fetch'] }),
  });

async function newWorkflow(): Promise<string> {
  const name = `flow${++made}`;
  await product.publish(name, two(name));
  return name;
}

async function refine(workflow: string, instructions: string): Promise<Asked> {
  const asked = await product.call<Asked>('POST', '/refinements', { workflow, instructions });
  expect([asked.status, asked.body]).toMatchObject([202, { status: 'processing' }]);
  return asked.body;
}

const proposal = async (id: string) => (await product.call<Proposal>('GET', `/proposals/${id}`)).body;
const done = (id: string) =>
  eventually(async () => {
    const found = await proposal(id);
    return found.status === 'processing' ? undefined : found;
  });
const proposed = async (workflow: string, instructions: string) => {
  const { proposal_id } = await refine(workflow, instructions);
  const found = await done(proposal_id);
  expect(found).toMatchObject({ status: 'completed' });
  return found;
};
const approve = (id: string) =>
  product.call<Proposal & { detail: string }>('POST', `/proposals/${id}/approve`);
const reject = (id: string) => product.call<Proposal>('POST', `/proposals/${id}/reject`, { reason: 'no' });
const draft = async (id: string) => (await product.call<Draft>('GET', `/drafts/${id}`)).body;
const materialised = async (ref: string) =>
  (
    await product.call<{ definition: { nodes: Record<string, object> } }>(
      'GET',
      `/workflows/${encodeURIComponent(ref)}?materialize=true`,
    )
  ).body.definition;

describe('a refinement', () => {
  it('becomes a proposal with its diff, that a person approves, publishes and finds under the next number', async () => {
    const name = await newWorkflow();
    const found = await proposed(name, 'retry fetch 5 times');
    expect(found).toMatchObject({
      workflow: name,
      understood: true,
      questions: [],
      validation: { valid: true },
      diff: { nodes: { added: [], removed: [], changed: [{ node: 'fetch' }] } },
    });
    // Until then nobody has it.
    expect((await materialised(`${name}/draft`)).nodes.fetch).not.toHaveProperty('retry');
    const approved = await approve(found.id);
    expect(approved.body).toMatchObject({ status: 'approved', resolved_by: 'token:admin' });
    expect((await materialised(`${name}/draft`)).nodes.fetch).toMatchObject({ retry: { max_attempts: 5 } });
    expect((await materialised(name)).nodes.fetch).not.toHaveProperty('retry');
    const published = await product.call<{ number: number }>('POST', `/workflows/${name}/versions`, {
      message: 'Five times.',
    });
    expect([published.status, published.body]).toMatchObject([201, { number: 2, workflow: name }]);
    expect((await materialised(name)).nodes.fetch).toMatchObject({ retry: { max_attempts: 5 } });
    expect(await draft(found.draft_id)).toMatchObject({ state: 'published', published_number: 2 });
    expect((await product.call('GET', `/tags/${name}%2Fdraft`)).status).toBe(404);
    expect(await proposal(found.id)).toMatchObject({ status: 'approved' });
    expect((await product.call('POST', `/workflows/${name}/versions`)).status).toBe(409);
  });

  it('leaves the draft byte for byte as it was when it is rejected', async () => {
    const name = await newWorkflow();
    const found = await proposed(name, 'remove store');
    const before = await draft(found.draft_id);
    expect((await reject(found.id)).body).toMatchObject({ status: 'rejected', reason: 'no' });
    expect(await draft(found.draft_id)).toEqual(before);
    expect((await approve(found.id)).status).toBe(409);
    expect((await reject(found.id)).status).toBe(409);
  });

  it('says so when it was not understood, and changes nothing', async () => {
    const name = await newWorkflow();
    const found = await proposed(name, 'make it more wonderful somehow');
    expect(found).toMatchObject({ understood: false, patch: [], diff: { operations: [] } });
    expect(found.questions!.length + found.message!.length).toBeGreaterThan(0);
    expect((await approve(found.id)).status).toBe(409);
  });

  it('goes on in the open draft, one upon the other; whoever is late is superseded', async () => {
    const name = await newWorkflow();
    const [first, second] = [
      await proposed(name, 'retry fetch 3 times'),
      await proposed(name, 'set timeout of store to 30 seconds'),
    ];
    expect(second.draft_id).toBe(first.draft_id);
    await approve(first.id);
    expect(await proposal(second.id)).toMatchObject({ status: 'superseded', superseded_by: first.id });
    const third = await proposed(name, 'set timeout of store to 30 seconds');
    await approve(third.id);
    expect((await materialised(`${name}/draft`)).nodes).toMatchObject({
      fetch: { retry: { max_attempts: 3 } },
      store: { timeout_seconds: 30 },
    });
  });

  it('is refused on a draft that moved on, and applies after a rebase, with what the person changed meanwhile', async () => {
    const name = await newWorkflow();
    const found = await proposed(name, 'retry fetch 3 times');
    const edited = await product.call('POST', '/patches', {
      tag: `${name}/draft`,
      operations: [{ op: 'add', path: '/nodes/store/timeout_seconds', value: 7 }],
    });
    expect(edited.status).toBe(201);
    const refused = await approve(found.id);
    expect([refused.status, refused.body.detail]).toMatchObject([409, expect.stringContaining('rebase')]);
    expect((await product.call('POST', `/proposals/${found.id}/rebase`)).status).toBe(200);
    expect((await approve(found.id)).status).toBe(200);
    expect((await materialised(`${name}/draft`)).nodes).toMatchObject({
      fetch: { retry: { max_attempts: 3 } },
      store: { timeout_seconds: 7 },
    });
  });

  it('cannot be rebased over a change of the same value', async () => {
    const name = await newWorkflow();
    const found = await proposed(name, 'set timeout of store to 30 seconds');
    await product.call('POST', '/patches', {
      tag: `${name}/draft`,
      operations: [{ op: 'add', path: '/nodes/store/timeout_seconds', value: 7 }],
    });
    const refused = await product.call<{ code: string; conflicts: { path: string }[] }>(
      'POST',
      `/proposals/${found.id}/rebase`,
    );
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { code: 'merge_conflict', conflicts: [{ path: '/nodes/store/timeout_seconds' }] },
    ]);
  });

  it('begins a workflow that has no version yet', async () => {
    const name = `empty${++made}`;
    await product.call('POST', '/workflows', { name, description: 'Nothing yet.' });
    const found = await proposed(name, 'add a step hello of type transform with config {"value": 1}');
    expect(found).toMatchObject({ validation: { valid: true }, diff: { nodes: { added: ['hello'] } } });
    expect((await approve(found.id)).status).toBe(200);
    const published = await product.call('POST', `/workflows/${name}/versions`);
    expect([published.status, published.body]).toMatchObject([201, { number: 1 }]);
    expect(Object.keys((await materialised(name)).nodes)).toEqual(['hello']);
  });

  it.each([
    [{ workflow: 'flow1' }, ['/instructions']],
    [{ workflow: '', instructions: '  ' }, ['/workflow', '/instructions']],
    [{ workflow: 'flow1', instructions: 'x'.repeat(16_385) }, ['/instructions']],
  ])('%# needs what it is about', async (body, paths) => {
    const answer = await product.call<{ errors: { path: string }[] }>('POST', '/refinements', body);
    expect([answer.status, answer.body.errors.map(({ path }) => path)]).toEqual([422, paths]);
  });

  it('of an unknown workflow is none', async () => {
    const body = { workflow: 'nobody', instructions: 'retry fetch 3 times' };
    expect((await product.call('POST', '/refinements', body)).status).toBe(404);
  });
});

describe('a draft', () => {
  it('is one per workflow, however many begin it at once', async () => {
    const name = await newWorkflow();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => product.call<Draft>('POST', `/workflows/${name}/drafts`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(9).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers[0]!.body).toMatchObject({ tag: `${name}/draft`, state: 'open', tag_version: 1 });
  });

  it('can be discarded with all that is proposed for it', async () => {
    const name = await newWorkflow();
    const found = await proposed(name, 'retry fetch 3 times');
    expect((await product.call('DELETE', `/drafts/${found.draft_id}`)).status).toBe(204);
    expect(await draft(found.draft_id)).toMatchObject({ state: 'discarded', tag_version: null });
    expect(await proposal(found.id)).toMatchObject({ status: 'rejected' });
    expect((await product.call('GET', `/tags/${name}%2Fdraft`)).status).toBe(404);
    expect((await product.call('DELETE', `/drafts/${found.draft_id}`)).status).toBe(409);
    const next = await product.call<Draft>('POST', `/workflows/${name}/drafts`);
    expect([next.status, next.body.id === found.draft_id]).toEqual([201, false]);
  });

  it('is not published over what the workflow got meanwhile, but after a rebase', async () => {
    const name = await newWorkflow();
    const found = await proposed(name, 'retry fetch 3 times');
    await approve(found.id);
    await product.call('POST', '/patches', {
      tag: name,
      operations: [{ op: 'add', path: '/nodes/store/timeout_seconds', value: 9 }],
    });
    const refused = await product.call<{ detail: string }>('POST', `/workflows/${name}/versions`);
    expect([refused.status, refused.body.detail]).toMatchObject([409, expect.stringContaining('rebase')]);
    const rebased = await product.call('POST', `/drafts/${found.draft_id}/rebase`);
    expect([rebased.status, rebased.body]).toMatchObject([200, { state: 'open' }]);
    expect((await product.call('POST', `/workflows/${name}/versions`)).body).toMatchObject({ number: 3 });
    expect((await materialised(name)).nodes).toMatchObject({
      fetch: { retry: { max_attempts: 3 } },
      store: { timeout_seconds: 9 },
    });
  });
});

describe('who follows a refinement', () => {
  const follow = (url: string, after = 0) =>
    new Promise<{ id: string; event: { type: string } }[]>((resolve, reject) => {
      const seen: { id: string; event: { type: string } }[] = [];
      const socket = new WebSocket(`${product.url.replace('http', 'ws')}${url}?last_event_id=${after}`, {
        headers: { authorization: `Bearer ${product.token}` },
      });
      socket.on('message', (data: Buffer) => seen.push(JSON.parse(data.toString()) as (typeof seen)[0]));
      socket.once('close', () => resolve(seen));
      socket.once('error', reject);
    });

  it('hears all of it, from any place on, whether it is under way or over', async () => {
    const name = await newWorkflow();
    const asked = await refine(name, 'retry fetch 3 times');
    const live = await follow(asked.websocket_url);
    expect(live.length).toBeGreaterThan(1);
    expect(live.map(({ id }) => Number(id))).toEqual(live.map((_, n) => n + 1));
    expect(live.at(-1)!.event).toMatchObject({ type: 'end', data: { status: 'completed' } });
    expect(await follow(asked.websocket_url)).toEqual(live);
    expect(await follow(asked.websocket_url, 1)).toEqual(live.slice(1));
    expect(await follow(asked.websocket_url, live.length)).toEqual([]);
  });

  it('is nobody who may not see the project, or makes a thread up', async () => {
    const name = await newWorkflow();
    const { thread_id } = await refine(name, 'retry fetch 3 times');
    const statusOf = async (path: string) => (await product.call('GET', path)).status;
    expect(await statusOf(`/ws/refinements/${thread_id}`)).toBe(426);
    expect(await statusOf(`/ws/refinements/${thread_id.replace(/^....../, '000000')}`)).toBe(404);
  });
});
