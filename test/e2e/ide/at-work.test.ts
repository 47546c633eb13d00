import type { z } from 'zod';
import { draftView, proposalView, publishedView } from '../../../src/api/schemas/refinements.ts';
import { heldRefiner, RESULT, served } from '../../clients/spec-engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { type Product, startProduct } from '../../support/product.ts';
import { ide } from './support.ts';

const { refiner, waiting } = heldRefiner();
let product: Product;
let engine: Awaited<ReturnType<typeof served>>;
let person: ReturnType<typeof ide>;
/** How often a proposal was looked at. */
let looks = 0;

beforeAll(async () => {
  engine = await served({ refiner });
  product = await startProduct({
    env: { ORCHESTRATOR_SPEC_ENGINE_URL: engine.url },
    onStatement: (sql) => (looks += /FROM proposal p JOIN draft d .* p\.id = \$2$/s.test(sql) ? 1 : 0),
  });
  person = ide(product);
});
afterAll(async () => {
  await product?.stop();
  await engine?.server.stop();
});

/** A refinement that the engine is at until it is told to end. */
async function held(workflow?: string) {
  workflow ??= await person.newWorkflow();
  const count = waiting.length;
  const asked = await person.refine(workflow, 'whatever');
  await eventually(() => waiting.length > count);
  return { workflow, asked, work: waiting.at(-1)! };
}
const BY_HAND = { op: 'add', path: '/nodes/store/timeout_seconds', value: 7 };
/** With a change of its own, so that there is something to publish. */
async function heldAndEdited() {
  const all = await held();
  const edited = await person.edit(all.workflow, BY_HAND);
  expect(edited.status).toBe(201);
  return all;
}
const isKept = async (thread_id: string) =>
  (await fetch(`${engine.url}/spec-engine/state/${thread_id}`)).status === 200;

describe('a proposal that is waited for', () => {
  it('is answered once it is worked out, without being looked at meanwhile', async () => {
    const { asked, work } = await held();
    expect(await person.proposal(asked.proposal_id, '?wait=0')).toMatchObject({ status: 'processing' });
    const before = looks;
    const answer = person.proposal(asked.proposal_id, '?wait=30');
    await eventually(() => looks > before);
    for (let n = 0; n < 20; n++) work.onProgress(`${n}`);
    await eventually(async () => {
      const { rows } = await product.database.pool.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM proposal_frame WHERE proposal_id = $1 AND type = 'progress'`,
        [asked.proposal_id],
      );
      return rows[0]!.n === 20;
    });
    expect(looks).toBe(before + 1);
    work.resolve(RESULT);
    expect(await answer).toMatchObject({ status: 'completed', message: 'Done.' });
  });

  it('is answered as it is when the time is up', async () => {
    const { asked, work } = await held();
    expect(await person.proposal(asked.proposal_id, '?wait=0.05')).toMatchObject({ status: 'processing' });
    work.resolve(RESULT);
    await person.done(asked.proposal_id);
  });

  it.each(['31', '-1', 'long'])('is not waited for for %s seconds', async (wait) => {
    const id = '00000000-0000-7000-8000-00000000abcd';
    expect((await product.call('GET', `/proposals/${id}?wait=${wait}`)).status).toBe(422);
    expect((await product.call('GET', `/proposals/${id}?wait=30`)).status).toBe(404);
  });
});

describe('a proposal that is decided on while it is worked on', () => {
  it('is rejected: followers hear the end, and what the engine makes of it then is dropped and forgotten', async () => {
    const { workflow, asked, work } = await held();
    const heard = person.follow(asked.websocket_url);
    const before = await person.nodes(`${workflow}/draft`);
    expect((await person.decide(asked.proposal_id, 'reject')).status).toBe(200);
    expect((await heard).at(-1)!.event).toMatchObject({ type: 'end', data: { status: 'rejected' } });
    work.resolve(RESULT);
    await eventually(async () => !(await isKept(asked.thread_id)));
    expect(await person.proposal(asked.proposal_id)).toMatchObject({ status: 'rejected', patch: null });
    expect(await person.nodes(`${workflow}/draft`)).toEqual(before);
    expect(await person.follow(asked.websocket_url)).toEqual(await heard);
  });

  it('is superseded by another that is approved, and the same is heard', async () => {
    const { workflow, asked } = await held();
    const heard = person.follow(asked.websocket_url);
    const other = await held(workflow);
    other.work.resolve(RESULT);
    await person.done(other.asked.proposal_id);
    expect((await person.decide(other.asked.proposal_id, 'approve')).status).toBe(200);
    expect((await heard).at(-1)!.event).toMatchObject({ type: 'end', data: { status: 'superseded' } });
  });
});

describe('publishing', () => {
  it('is refused while a proposal is worked on, and names it; afterwards it takes what was approved', async () => {
    const { workflow, asked, work } = await heldAndEdited();
    const refused = await person.publish(workflow);
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { detail: expect.stringContaining('discard_proposals') as string, proposals: [asked.proposal_id] },
    ]);
    expect(await person.proposal(asked.proposal_id)).toMatchObject({ status: 'processing' });
    work.resolve(RESULT);
    await person.done(asked.proposal_id);
    expect((await person.decide(asked.proposal_id, 'reject')).status).toBe(200);
    expect((await person.publish(workflow)).body).toMatchObject({ number: 2, rejected_proposals: [] });
  });

  it('gives it up when that is wanted, and says so', async () => {
    const { workflow, asked, work } = await heldAndEdited();
    const heard = person.follow(asked.websocket_url);
    const published = await person.publish(workflow, { discard_proposals: true });
    expect([published.status, published.body.rejected_proposals]).toEqual([201, [asked.proposal_id]]);
    expect(await person.proposal(asked.proposal_id)).toMatchObject({
      status: 'rejected',
      reason: 'The draft was published without it.',
    });
    expect((await heard).at(-1)!.event).toMatchObject({ type: 'end', data: { status: 'rejected' } });
    work.resolve(RESULT);
    await eventually(async () => !(await isKept(asked.thread_id)));
  });

  it('says which proposals it has rejected that nobody had decided on', async () => {
    const { workflow, asked, work } = await heldAndEdited();
    work.resolve(RESULT);
    await person.done(asked.proposal_id);
    expect((await person.publish(workflow)).body.rejected_proposals).toEqual([asked.proposal_id]);
  });

  it('of a draft in which nothing was changed is refused, also when something was and was taken back', async () => {
    const workflow = await person.newWorkflow();
    await product.call('POST', `/workflows/${workflow}/drafts`);
    const refused = await person.publish(workflow);
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      'Nothing was changed in the draft: it is the version that it began at.',
    ]);
    await person.edit(workflow, { op: 'add', path: '/description', value: 'x' });
    await person.edit(workflow, { op: 'remove', path: '/description' });
    expect((await person.publish(workflow)).status).toBe(409);
    await person.edit(workflow, { op: 'add', path: '/description', value: 'x' });
    expect((await person.publish(workflow)).body).toMatchObject({ number: 2 });
  });

  it('that races an approval comes before or behind it, and nothing is lost', async () => {
    for (let round = 0; round < 20; round++) {
      const { workflow, asked, work } = await heldAndEdited();
      work.resolve(RESULT);
      await person.done(asked.proposal_id);
      expect((await person.decide(asked.proposal_id, 'rebase')).status).toBe(200);
      const both = [
        () => person.decide(asked.proposal_id, 'approve'),
        () => person.publish(workflow, { message: 'now' }),
      ];
      const asking = (round % 2 === 0 ? both : both.reverse()).map((ask) => ask());
      const answers = await Promise.all(asking);
      const [approved, published] = round % 2 === 0 ? answers : answers.reverse();
      const { status } = await person.proposal(asked.proposal_id);
      const now = (await product.call<{ version: number }>('GET', `/tags/${workflow}`)).body;
      expect(published!.status).toBe(201);
      expect(now.version).toBe(2);
      expect([approved!.status, status]).toEqual(
        approved!.status === 200 ? [200, 'approved'] : [409, 'rejected'],
      );
      const { definition } = (
        await product.call<{ definition: { description?: string; nodes: object } }>(
          'GET',
          `/workflows/${workflow}?materialize=true`,
        )
      ).body;
      expect(definition.nodes).toMatchObject({ store: { timeout_seconds: 7 } });
      expect(definition.description).toBe(status === 'approved' ? 'x' : undefined);
    }
  });
});

it('what is answered is what is documented, no member more or less', async () => {
  const { workflow, asked, work } = await heldAndEdited();
  work.resolve(RESULT);
  await person.done(asked.proposal_id);
  asDocumented(proposalView, await person.proposal(asked.proposal_id));
  asDocumented(draftView, (await product.call('GET', `/drafts/${asked.draft_id}`)).body);
  asDocumented(publishedView, (await person.publish(workflow)).body);
});

function asDocumented(schema: z.ZodObject, body: object): void {
  expect(Object.keys(body).sort()).toEqual(Object.keys(schema.shape).sort());
  expect(schema.safeParse(body).error).toBeUndefined();
}
