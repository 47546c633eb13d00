import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { END_OF_STEP, type Fleet, fleetOf, hurryHeartbeats, IS_DOOMED } from '../support/doomed.ts';
import { eventually } from '../support/eventually.ts';
import { LIMIT_MS } from '../support/faults.ts';
import { holdsAt, type HeldWrite, type Hold } from '../support/held-steps.ts';
import { alive, processesBelow, temporaryOf } from '../support/left-behind.ts';
import { muteServer } from '../support/mute-server.ts';
import { plantedRepository, type PlantedRepository } from '../support/planted-repository.ts';
import { startProduct, type Product } from '../support/product.ts';
import { stopSoundly } from '../support/stop-soundly.ts';

/** Each run is killed in one step: that is done, and not recorded. */
const STEPS = {
  code_execution: [
    ...['SelectAgent', 'PrepareEnvironment', 'ExecuteCode', 'ProcessResults', 'CleanupEnvironment'],
  ],
  code_analysis: [
    ...['FetchCode', 'RunStaticAnalysis', 'RunSecurityAnalysis', 'RunPerformanceAnalysis', 'GenerateReport'],
  ],
  // RunAIReview has no model here, and is skipped: builtins-kill-review has one.
  code_review: ['FetchChanges', 'RunAutomatedChecks', 'GenerateSummary', 'PostComments'],
  intent_processing: ['AnalyzeIntent', 'CreateExecutionPlan', 'AggregateResults'],
} as const;
type Type = keyof typeof STEPS;
/** The tests of every day have one workflow; `npm run faults` has all. */
const KILLED = (Object.keys(STEPS) as Type[]).filter(
  (type) => type === 'code_analysis' || process.env.ORCHESTRATOR_FAULTS !== undefined,
);

/** Before it keeps a file it has fetched. */
const FETCHED: HeldWrite = {
  write: 'INSERT',
  table: 'cas_blob',
  each: 'STATEMENT',
  when: `${IS_DOOMED} AND EXISTS (SELECT FROM step s JOIN run r ON r.id = s.run_id
    WHERE r.labels->>'held' = 'workspace' AND s.state = 'running' AND s.node IN ('FetchCode', 'FetchChanges'))`,
};

let product: Product;
let shop: PlantedRepository;
let fleet: Fleet;
/** What the doomed wait for. */
let hold: Hold;

beforeAll(async () => {
  hurryHeartbeats();
  shop = await plantedRepository();
  product = await startProduct({ worker: false });
  fleet = await fleetOf(product, { ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root });
  hold = await holdsAt(product.database.pool, [END_OF_STEP, FETCHED]);
  await hold.close();
}, LIMIT_MS);
afterAll(async () => {
  await hold.open();
  await fleet.stop();
  await stopSoundly(product);
  await rm(shop.root, { recursive: true, force: true });
}, LIMIT_MS);

test(
  'workers that are killed in any step of a workflow of ours leave nothing behind, and others go on',
  async () => {
    const far = await muteServer();
    await fleet.start('doomed');
    const held: string[] = [];
    for (const type of KILLED) for (const node of STEPS[type]) held.push(await begin(type, node));
    const endless = await begin('code_execution', 'itself', {
      source: 'echo begun; sleep 600',
      limits: { wall_ms: 300_000 },
    });
    const begun = async () =>
      (await product.events(endless)).filter(({ type }) => type === 'step.log').length;
    await eventually(async () => (await hold.waiting()) === held.length && (await begun()) === 1);
    const hanging = await begin('code_analysis', 'itself', {
      repository: `https://127.0.0.1:${far.port}/x.git`,
    });
    await eventually(() => far.sockets.size === 1, 30);
    for (const type of ['code_analysis', 'code_review'] as const) held.push(await begin(type, 'workspace'));
    const pids = [...fleet.pids()];
    // Each keeps several files at once.
    await eventually(
      async () => (await temporaryOf(pids, 'git')).length === 3 && (await hold.waiting()) >= held.length,
    );

    const orphans = await processesBelow(pids);
    expect(orphans.map(({ name }) => name)).toEqual(expect.arrayContaining(['bwrap', 'git', 'sleep']));
    await fleet.kill();

    await fleet.start('next');
    await eventually(async () => (await begun()) === 2 && far.sockets.size > 0, 90);
    for (const id of [endless, hanging]) {
      await product.call('POST', `/runs/${id}/cancel`);
      expect(await product.ended(id)).toMatchObject({ state: 'cancelled' });
    }
    for (const id of held) {
      const run = await product.until(id, ({ ended_at }) => ended_at !== null, 180);
      expect(run).toMatchObject({ state: 'completed', error: null });
    }
    await eventually(async () => (await alive(orphans)).length === 0, 30);
    expect(await temporaryOf(fleet.pids(), 'git')).toEqual([]);
    expect(await readdir(path.join(fleet.home, 'agent', 'environments')).catch(() => [])).toEqual([]);
    expect(far.sockets.size).toBe(0);
    far.close();
  },
  LIMIT_MS,
);

async function begin(type: Type, held: string, more: object = {}): Promise<string> {
  const inputs: Record<Type, object> = {
    code_execution: { language: 'bash', source: 'echo 1' },
    code_analysis: { repository: shop.directory },
    code_review: { repository: shop.directory, base: 'main', head: 'coupons' },
    intent_processing: { intent: 'Wait for 1 second.' },
  };
  const input = { ...inputs[type], ...more };
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
    type,
    input,
    labels: { held },
  });
  expect([status, body]).toMatchObject([202, { type }]);
  return body.id;
}
