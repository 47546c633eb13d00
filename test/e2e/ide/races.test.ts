import { type ApiClient, apiClient } from '../../support/api-client.ts';
import { transform } from '../../support/definitions.ts';
import { testTemporal } from '../../support/stack.ts';
import { contradictions } from '../../support/model-check.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { ide } from './support.ts';

const PEOPLE = ['ada', 'bob'].map((name) => ({ name, token: `${name}-`.repeat(10), role: 'editor' }));
const EDITS = 10;
const WISHES = 4;

let product: Product;
let person: ReturnType<typeof ide>;

beforeAll(async () => {
  product = await startProduct({ env: { ORCHESTRATOR_AUTH_TOKENS: JSON.stringify(PEOPLE) } });
  person = ide(product);
});
afterAll(() => product?.stop());

/** Edits the draft by hand, again whenever somebody was faster; answers the versions that came of it. */
async function editor(api: ApiClient, workflow: string, name: string): Promise<string[]> {
  const draft = `${workflow}%2Fdraft`;
  const ids: string[] = [];
  while (ids.length < EDITS) {
    const etag = (await api.call('GET', `/tags/${draft}`)).headers.get('etag')!;
    const operations = [{ op: 'add', path: `/nodes/${name}${ids.length}`, value: transform(ids.length) }];
    const headers = { 'if-match': etag, 'content-type': 'application/json-patch+json' };
    const { status, body } = await api.call<{ artifact_id: string }>(
      'PATCH',
      `/workflows/${draft}`,
      operations,
      headers,
    );
    expect([200, 412]).toContain(status);
    if (status === 200) ids.push(body.artifact_id);
  }
  return ids;
}

/** Has an engine write files, and approves each, rebased whenever somebody was faster; answers those that came in. */
async function wisher(workflow: string, name: string): Promise<{ file: string; applied_id: string }[]> {
  const accepted: { file: string; applied_id: string }[] = [];
  for (let n = 0; n < WISHES; n++) {
    const file = `${name}${n}.md`;
    const { proposal_id: id } = await person.refine(workflow, `write file ${file} with "# ${file}"`);
    await person.done(id);
    for (;;) {
      const approved = await person.decide(id, 'approve');
      if (approved.status === 200) accepted.push({ file, applied_id: approved.body.applied_id as string });
      if (approved.status === 200 || (await person.proposal(id)).status === 'superseded') break;
      expect(approved.status).toBe(409);
      await person.decide(id, 'rebase');
    }
  }
  return accepted;
}

it('two people by hand and two at an engine lose nothing of what they were told is in', async () => {
  const workflow = await person.newWorkflow();
  await product.call('POST', `/workflows/${workflow}/drafts`);
  const [ada, bob, first, second] = (await Promise.all([
    ...PEOPLE.map(({ name, token }) => editor(apiClient(product.url, token), workflow, name)),
    wisher(workflow, 'first'),
    wisher(workflow, 'second'),
  ] as const)) as [
    string[],
    string[],
    { file: string; applied_id: string }[],
    { file: string; applied_id: string }[],
  ];
  const wishes = [...first, ...second];
  expect(wishes.length).toBeGreaterThanOrEqual(WISHES);
  const { body } = await product.call<{ definition: { nodes: object; files: object } }>(
    'GET',
    `/workflows/${workflow}%2Fdraft?materialize=true`,
  );
  const steps = PEOPLE.flatMap(({ name }) => Array.from({ length: EDITS }, (_, n) => `${name}${n}`));
  expect(Object.keys(body.definition.nodes).sort()).toEqual(['fetch', 'store', ...steps].sort());
  expect(Object.keys(body.definition.files).sort()).toEqual(wishes.map(({ file }) => file).sort());
  const { rows } = await product.database.pool.query<{ to_id: string }>(
    'SELECT to_id FROM tag_move WHERE tag_name = $1 ORDER BY seq OFFSET 1',
    [`${workflow}/draft`],
  );
  // Each is one move of the draft, and there is no other.
  expect(rows.map(({ to_id }) => to_id).sort()).toEqual(
    [...ada, ...bob, ...wishes.map(({ applied_id }) => applied_id)].sort(),
  );
});

it('published while somebody edits it, a draft takes the edit along, or the edit is told that there is no draft', async () => {
  for (let round = 0; round < 15; round++) {
    const workflow = await person.newWorkflow();
    await product.call('POST', `/workflows/${workflow}/drafts`);
    await person.edit(workflow, { op: 'add', path: '/nodes/first', value: transform(1) });
    const both = [
      () => person.publish(workflow),
      () => person.edit(workflow, { op: 'add', path: '/nodes/second', value: transform(2) }),
    ] as const;
    const order = round % 2 === 0 ? both : both.toReversed();
    const answers = await Promise.all(order.map((ask) => ask()));
    const [published, edited] = (round % 2 === 0 ? answers : answers.toReversed()).map(
      ({ status }) => status,
    );
    expect([201, 409]).toContain(published);
    expect([201, 404, 409]).toContain(edited);
    if (published === 409) expect((await person.publish(workflow)).status).toBe(201);
    const nodes = Object.keys(await person.nodes(workflow)).sort();
    expect(nodes).toEqual(['fetch', 'first', ...(edited === 201 ? ['second'] : []), 'store']);
  }
});

it('approved and rejected by several at once there is one who decided', async () => {
  for (let round = 0; round < 20; round++) {
    const workflow = await person.newWorkflow();
    const { proposal_id: id } = await person.refine(workflow, 'retry fetch 3 times');
    await person.done(id);
    const asked = ['approve', 'reject', 'approve', 'reject'] as const;
    const order = round % 2 === 0 ? asked : asked.toReversed();
    const answers = await Promise.all(order.map((what) => person.decide(id, what)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const { status } = await person.proposal(id);
    const winner = order[answers.findIndex((answer) => answer.status === 200)];
    expect(status).toBe(winner === 'approve' ? 'approved' : 'rejected');
    expect('retry' in (await person.nodes(`${workflow}/draft`)).fetch!).toBe(status === 'approved');
  }
});

it('leaves rows, frames and Temporal in agreement', async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});
