import { rm } from 'node:fs/promises';
import type { Json } from '../../src/contract/json.ts';
import { modelServer, transcriptOf, type ModelServer } from '../intents/model-server.ts';
import { END_OF_STEP, type Fleet, fleetOf, hurryHeartbeats } from '../support/doomed.ts';
import { eventually } from '../support/eventually.ts';
import { LIMIT_MS } from '../support/faults.ts';
import { holdsAt, type Hold } from '../support/held-steps.ts';
import { alive, processesBelow, temporaryOf } from '../support/left-behind.ts';
import { plantedRepository, type PlantedRepository } from '../support/planted-repository.ts';
import { startProduct, type Product } from '../support/product.ts';
import { stopSoundly } from '../support/stop-soundly.ts';

const { answers } = transcriptOf('openai');
const FILE = 'src/total.js';
const REMARK = { path: FILE, line: 1, severity: 'error', message: 'It takes away, and should add.' };

let product: Product;
let shop: PlantedRepository;
let model: ModelServer;
let fleet: Fleet;
let hold: Hold;

beforeAll(async () => {
  hurryHeartbeats();
  model = await modelServer();
  shop = await plantedRepository();
  await shop.commit('total', { [FILE]: 'export const total = (sum, price) => sum - price;\n' });
  product = await startProduct({ worker: false });
  fleet = await fleetOf(product, {
    ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root,
    ORCHESTRATOR_LLM_PROVIDER: 'openai',
    ORCHESTRATOR_LLM_BASE_URL: model.url,
    ORCHESTRATOR_LLM_MODEL: 'stand-in',
    ORCHESTRATOR_LLM_API_KEY: 'test-key',
  });
  hold = await holdsAt(product.database.pool, [END_OF_STEP]);
  await hold.close();
}, LIMIT_MS);
afterAll(async () => {
  await hold.open();
  await fleet.stop();
  await stopSoundly(product);
  await model.close();
  await rm(shop.root, { recursive: true, force: true });
}, LIMIT_MS);

function said(value: Json) {
  const body = structuredClone(answers.ok.body) as { choices: { message: { content: string } }[] };
  body.choices[0]!.message.content = JSON.stringify(value);
  return { ...answers.ok, body: body as unknown as Json };
}

async function begin(held: string): Promise<string> {
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
    type: 'code_review',
    input: { repository: shop.directory, base: shop.commits.orders, head: 'main' },
    labels: { held },
  });
  expect(status).toBe(202);
  return body.id;
}

// One workflow is enough for the tests of every day: `npm run faults` has this one.
(process.env.ORCHESTRATOR_FAULTS === undefined ? test.skip : test)(
  'a worker that is killed while it asks a language model, or has its answer, leaves nothing behind, and another one asks',
  async () => {
    await fleet.start('doomed');
    model.answer(said({ remarks: [REMARK] }));
    const answered = await begin('RunAIReview');
    await eventually(async () => (await hold.waiting()) === 1);
    model.answer({ ...answers.ok, never: true });
    const asking = await begin('itself');
    await eventually(() => model.requests.length === 2);
    const orphans = await processesBelow(fleet.pids());

    await fleet.kill();
    model.answer(said({ remarks: [REMARK] }));
    await fleet.start('next');
    for (const id of [answered, asking]) {
      const run = await product.ended(id, 180);
      expect(run).toMatchObject({ state: 'completed', output: { ai: { state: 'succeeded', remarks: 1 } } });
      const reviews = (await product.steps(id)).filter(({ node }) => node === 'RunAIReview');
      expect(reviews.map(({ state }) => state)).toEqual(['succeeded']);
    }
    expect(model.requests).toHaveLength(4);
    await eventually(async () => (await alive(orphans)).length === 0, 30);
    expect(await temporaryOf(fleet.pids(), 'git')).toEqual([]);
  },
  LIMIT_MS,
);
