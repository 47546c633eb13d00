import { rm } from 'node:fs/promises';
import type { RunType } from '../../../src/contract/run.ts';
import { definition, transform } from '../../support/definitions.ts';
import { countOf, historiesOf, withTemporal } from '../../support/executions.ts';
import { plantedRepository, type PlantedRepository } from '../../support/planted-repository.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

let product: Product;
let shop: PlantedRepository;
const statements: string[] = [];

beforeAll(async () => {
  shop = await plantedRepository();
  product = await startProduct({
    code: true,
    onStatement: (sql) => statements.push(sql),
    // What is done whether there are runs or not is not theirs.
    env: {
      ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root,
      ORCHESTRATOR_RUNS_SWEEP_INTERVAL_SECONDS: '3600',
      ORCHESTRATOR_TRIGGERS_LOOK_INTERVAL_SECONDS: '3600',
      ORCHESTRATOR_AUDIT_SEAL_INTERVAL_SECONDS: '3600',
      ORCHESTRATOR_WORKER_AGENT_HEARTBEAT_SECONDS: '3600',
    },
  });
  await product.publish('greet', definition('greet', { hello: transform('Hello') }));
});
afterAll(async () => {
  await stopSoundly(product);
  await rm(shop.root, { recursive: true, force: true });
});

/** What each type may cost, a little more than it does (docs/builtins.md), without what callers read meanwhile. */
const BUDGETS = {
  code_execution: { statements: 24, workflow_tasks: 10, activities: 5 },
  intent_processing: { statements: 54, workflow_tasks: 10, activities: 3 },
  code_analysis: { statements: 66, workflow_tasks: 9, activities: 5 },
  code_review: { statements: 31, workflow_tasks: 9, activities: 4 },
  deployment: { statements: 100, workflow_tasks: 14, activities: 8 },
} satisfies Record<Exclude<RunType, 'dag'>, object>;

const inputs = () => ({
  code_execution: { language: 'bash', source: 'echo hello' },
  intent_processing: { intent: 'Run this bash code: ```bash\necho hello\n```' },
  code_analysis: { repository: shop.directory },
  code_review: { repository: shop.directory, head: 'coupons' },
  deployment: { kind: 'workflow', workflow: 'greet', environment: 'production', force: true },
});

const READ_OF_RUN = /^\s*SELECT \* FROM run WHERE id = /;

async function carriedOut(type: string, input: object): Promise<string> {
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', { type, input });
  expect([status, body]).toMatchObject([202, { type }]);
  expect(await product.ended(body.id)).toMatchObject({ state: 'completed', error: null });
  return body.id;
}

test.each(Object.entries(BUDGETS))('a run of %s costs no more than this', async (type, budget) => {
  const input = inputs()[type as keyof typeof BUDGETS];
  // The first one makes what all others share: the version of the definition, environments, results that are kept.
  await carriedOut(type, input);
  statements.length = 0;
  const id = await carriedOut(type, input);
  const sent = statements.filter((sql) => !READ_OF_RUN.test(sql)).length;
  const events = (await withTemporal(testTemporal(), (client) => historiesOf(client, id))).flat();
  const workflow_tasks = countOf(events, 'workflowTaskCompletedEventAttributes');
  const activities = countOf(events, 'activityTaskScheduledEventAttributes');
  console.log(type.padEnd(18), { statements: sent, workflow_tasks, activities });
  expect(activities).toBe(budget.activities);
  expect(sent).toBeLessThanOrEqual(budget.statements);
  expect(sent).toBeGreaterThan(activities);
  expect(workflow_tasks).toBeLessThanOrEqual(budget.workflow_tasks);
  expect(workflow_tasks).toBeGreaterThan(1);
});
