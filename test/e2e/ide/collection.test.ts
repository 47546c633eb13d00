import { startProduct, type Product } from '../../support/product.ts';
import { ide } from './support.ts';

let product: Product;
let person: ReturnType<typeof ide>;

beforeAll(async () => {
  product = await startProduct({ env: { ORCHESTRATOR_STORE_UNDO_WINDOW_DAYS: '1' } });
  person = ide(product);
});
afterAll(() => product?.stop());

/** A waiting proposal that brings a file. */
async function withFile(text: string) {
  const workflow = await person.newWorkflow();
  const asked = await person.refine(workflow, `write file spec/plan.md with "${text}"`);
  const found = await person.done(asked.proposal_id);
  expect(found).toMatchObject({ status: 'completed', understood: true });
  return { workflow, ...found, cas_id: found.files!['spec/plan.md']! };
}
/** Everything that nothing leads to goes at once. */
async function collect() {
  const { status } = await product.call('POST', '/admin/gc?wait=60', { grace_seconds: 0 });
  expect(status).toBe(200);
}
async function whyKept(wanted: { cas_id?: string; artifact_id?: string }) {
  for (let cursor = ''; ;) {
    const { body } = await product.call<{ items: Record<string, unknown>[]; next_cursor: string | null }>(
      'POST',
      `/admin/gc?fate=kept&limit=100${cursor}`,
      { dry_run: true, grace_seconds: 0 },
    );
    const [id, value] = Object.entries(wanted)[0]!;
    const found = body.items.find((item) => item[id] === value);
    if (found || body.next_cursor === null) return found;
    cursor = `&cursor=${body.next_cursor}`;
  }
}
const readFile = async (cas_id: string) => {
  const answer = await fetch(`${product.url}/api/v1/blobs/${cas_id}`, {
    headers: { authorization: `Bearer ${product.token}` },
  });
  return { status: answer.status, text: await answer.text() };
};

it('keeps what a proposal brings and is against until somebody decides, and says why', async () => {
  const { id, workflow, cas_id } = await withFile('# Approved');
  await collect();
  expect(await whyKept({ cas_id })).toMatchObject({ reason: 'proposal', proposal_id: id });
  expect((await person.decide(id, 'approve')).status).toBe(200);
  await collect();
  expect(await readFile(cas_id)).toEqual({ status: 200, text: '# Approved' });
  expect((await person.publish(workflow)).status).toBe(201);
  expect(await product.ended((await product.start(workflow)).id)).toMatchObject({ state: 'completed' });
});

it('takes what a proposal brought once it is rejected', async () => {
  const { id, cas_id } = await withFile('# Rejected');
  expect((await person.decide(id, 'reject')).status).toBe(200);
  await collect();
  expect((await readFile(cas_id)).status).toBe(410);
});

it('keeps the version that a proposal is against when every tag and move has left it', async () => {
  const { id, workflow, draft_id } = await withFile('# Against');
  const { base_id } = (await person.proposal(id)) as unknown as { base_id: string };
  const live = async () =>
    (
      await product.database.pool.query<{ live: boolean }>('SELECT live FROM artifact WHERE id = $1', [
        base_id,
      ])
    ).rows[0]!.live;
  await product.call('DELETE', `/tags/${workflow}%2Fdraft`);
  await product.call('DELETE', `/tags/${workflow}`);
  await product.database.pool.query(`UPDATE tag_move SET moved_at = moved_at - interval '10 days'`);
  await collect();
  expect(await live()).toBe(true);
  expect(await person.proposal(id)).toMatchObject({ status: 'completed', validation: { valid: true } });
  expect(await whyKept({ artifact_id: base_id })).toMatchObject({ reason: 'proposal', proposal_id: id });
  expect((await product.call('DELETE', `/drafts/${draft_id}`)).status).toBe(204);
  await collect();
  expect(await live()).toBe(false);
});

it('loses no file between its storing and its proposal, however often is collected meanwhile', async () => {
  let is_over = false;
  const collecting = (async () => {
    while (!is_over) await collect();
  })();
  for (let n = 0; n < 5; n++) {
    const { id, cas_id } = await withFile(`# At once ${n}`);
    expect((await person.decide(id, 'approve')).status).toBe(200);
    expect(await readFile(cas_id)).toEqual({ status: 200, text: `# At once ${n}` });
  }
  is_over = true;
  await collecting;
});
