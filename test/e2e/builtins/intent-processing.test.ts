import type { IntentService } from '../../../src/contract/intent.ts';
import { serveIntents } from '../../../src/clients/intents/grpc-server.ts';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const STEPS = ['AnalyzeIntent', 'CreateExecutionPlan', 'ExecuteSteps', 'AggregateResults'];

let product: Product;

beforeAll(async () => {
  product = await startProduct({ code: true });
});
afterAll(async () => {
  await stopSoundly(product);
});

interface Outcome {
  status: string;
  analysis: { kind: string; engine: string };
  plan_artifact_id: string | null;
  child_run_id: string | null;
  results: Record<string, { state: string; output: unknown }>;
  summary: string;
  questions: { about: string; question: string }[];
}

async function begin(input: object, on = product): Promise<string> {
  const { status, body } = await on.call<{ id: string }>('POST', '/runs', {
    type: 'intent_processing',
    input,
  });
  expect([status, body]).toMatchObject([202, { type: 'intent_processing' }]);
  return body.id;
}
async function process(input: object, on = product) {
  const run = await on.ended(await begin(input, on));
  return { run, outcome: run.output as Outcome };
}
const states = async (id: string) =>
  Object.fromEntries((await product.steps(id)).map(({ node, state }) => [node, state]));

describe('intent_processing', () => {
  test('plans what is asked for, carries it out as a run of its own, and tells what became of each step', async () => {
    const intent = 'Run this Python code: ```python\nprint(sum(range(10)))\n```';
    const { run, outcome } = await process({ intent });
    expect(run).toMatchObject({ state: 'completed', output: { status: 'completed', questions: [] } });
    expect(await states(run.id)).toMatchObject(Object.fromEntries(STEPS.map((name) => [name, 'succeeded'])));
    const [only] = Object.values(outcome.results);
    expect(only).toMatchObject({ state: 'succeeded', output: { output: { result: 45 } } });
    const child = await product.run(String(outcome.child_run_id));
    expect(child).toMatchObject({ parent_run_id: run.id, parent_node: 'ExecuteSteps', state: 'completed' });
    // The plan is a version like any other, to be read, shown and run again.
    const plan = await product.call<{ definition: object; version_hash: string }>(
      'GET',
      `/workflows/${String(outcome.plan_artifact_id)}?materialize=true`,
    );
    expect(plan.body.version_hash).toBe(child.version_hash);
    expect(plan.body.definition).toMatchObject({ schema_version: 1 });
  });

  test('asks rather than guesses, and carries nothing out', async () => {
    const { run, outcome } = await process({ intent: 'Run the code.' });
    expect(run).toMatchObject({
      state: 'completed',
      output: { status: 'needs_clarification', child_run_id: null },
    });
    expect(outcome.questions.length).toBeGreaterThan(0);
    expect(await states(run.id)).toMatchObject({ ExecuteSteps: 'skipped', AggregateResults: 'succeeded' });
  });

  test('finds the workflows of the project', async () => {
    await product.publish('nightly-report', definition('nightly-report', { mailed: transform('mailed') }));
    const { outcome } = await process({ intent: 'Run the nightly report.' });
    expect(outcome.status).toBe('completed');
    const child = await product.call<{ items: { workflow: string }[] }>(
      'GET',
      `/runs?parent_run_id=${String(outcome.child_run_id)}`,
    );
    expect(child.body.items).toMatchObject([{ workflow: 'nightly-report' }]);
  });

  test('waits for an approval of the plan when that is asked for', async () => {
    const input = { intent: 'Wait for 1 second.', approve_plan: true };
    const [approved, rejected] = [await begin(input), await begin(input)];
    for (const [id, decision] of [
      [approved, 'approve'],
      [rejected, 'reject'],
    ] as const) {
      await eventually(async () => (await states(id)).ApprovePlan === 'waiting');
      expect((await states(id)).ExecuteSteps).toBeUndefined();
      const answer = await product.call('POST', `/runs/${id}/approvals/ApprovePlan`, { decision });
      expect(answer.status).toBe(202);
    }
    expect(await product.ended(approved)).toMatchObject({
      state: 'completed',
      output: { status: 'completed' },
    });
    expect(await product.ended(rejected)).toMatchObject({ state: 'failed', error: { code: 'rejected' } });
    expect(await states(rejected)).toMatchObject({ ExecuteSteps: 'skipped' });
  });

  test('cancels what it began', async () => {
    const id = await begin({ intent: 'Wait for 10 minutes.' });
    const child = await eventually(async () => {
      const { body } = await product.call<{ items: { id: string }[] }>('GET', `/runs?parent_run_id=${id}`);
      return body.items[0]?.id;
    });
    await product.until(child, ({ state }) => state === 'running');
    await product.call('POST', `/runs/${id}/cancel`);
    expect((await product.ended(id)).state).toBe('cancelled');
    expect((await product.ended(child)).state).toBe('cancelled');
  });

  test('is refused without an intent, and with more than it knows', async () => {
    const { status, body } = await product.call<{ errors: { path: string }[] }>('POST', '/runs', {
      type: 'intent_processing',
      input: { more: 1 },
    });
    expect(status).toBe(422);
    expect(body.errors.map(({ path }) => path).sort()).toEqual(['/input/intent', '/input/more']);
  });
});

describe('another intent service', () => {
  const analysis = {
    kind: 'transform' as const,
    confidence: 1,
    entities: {},
    parameters: {},
    risks: [],
    steps: [],
    schedules: [],
    needs_clarification: false,
    questions: [],
    engine: 'rules' as const,
    explanation: '',
  };
  async function served(nodes: object): Promise<Outcome | { error: unknown; state: string }> {
    const service: IntentService = {
      analyse: () => Promise.resolve(analysis),
      plan: () => Promise.resolve({ definition: { schema_version: 1, name: 'planned', nodes } as never }),
    };
    const intents = await serveIntents({ service, address: '127.0.0.1:0' });
    const other = await startProduct({ env: { ORCHESTRATOR_INTENTS_ADDRESS: `127.0.0.1:${intents.port}` } });
    try {
      const { run, outcome } = await process({ intent: 'whatever' }, other);
      return run.state === 'completed' ? outcome : { state: run.state, error: run.error };
    } finally {
      await other.stop();
      await intents.stop({ grace_ms: 100 });
    }
  }

  test('is asked over gRPC, and what it plans is run', async () => {
    expect(await served({ a: transform('${{ 1 + 1 }}') })).toMatchObject({
      status: 'completed',
      results: { a: { state: 'succeeded', output: 2 } },
    });
  });

  test('what needs a step that failed is skipped, everything else is done, and the result says so', async () => {
    const outcome = await served({
      bad: transform('${{ 1 / 0 }}'),
      behind: transform(1, { needs: ['bad'] }),
      later: { type: 'wait', config: { duration_seconds: 0.3 } },
      beside: transform(2, { needs: ['later'] }),
    });
    expect(outcome).toMatchObject({
      status: 'completed_with_errors',
      results: {
        bad: { state: 'failed', error: { code: 'expression_error' } },
        behind: { state: 'skipped' },
        beside: { state: 'succeeded', output: 2 },
      },
    });
  });

  test.each([
    [
      'definition_invalid',
      'that is not valid',
      { a: { type: 'transform', needs: ['b'], config: { value: 1 } } },
    ],
    [
      'intent_service_unavailable',
      'with a step only the product may have',
      { a: { type: 'builtin', config: {} } },
    ],
  ])('answers %s in the run where it answers a plan %s', async (code, _what, nodes) => {
    expect(await served(nodes)).toMatchObject({
      state: 'failed',
      error: { code, step: 'CreateExecutionPlan' },
    });
  });
});
