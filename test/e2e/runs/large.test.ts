import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { definition, transform, wait } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';

const MAX_PAYLOAD_BYTES = 128 * 1024;

let product: Product;
let connection: Connection;

beforeAll(async () => {
  product = await startProduct({ env: { ORCHESTRATOR_RUNS_CONTINUE_AS_NEW_AFTER_EVENTS: '100' } });
  connection = await Connection.connect({ address: testTemporal() });
});
afterAll(async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
  await connection.close();
  await product.stop();
});

/** The largest payload anywhere in the newest execution's history, in bytes. */
async function largestPayload(id: string): Promise<number> {
  const history = await new Client({ connection }).workflow.getHandle(id).fetchHistory();
  let largest = 0;
  const look = (value: unknown): void => {
    if (value instanceof Uint8Array) largest = Math.max(largest, value.length);
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(look);
  };
  look(temporal.api.history.v1.History.toObject(history as temporal.api.history.v1.History));
  return largest;
}

test('values above 32 KiB travel by reference, and everything still works on them', async () => {
  await product.publish(
    'large',
    definition(
      'large',
      {
        twice: transform('${{ input.list + input.list }}'),
        size: transform('${{ size(steps.twice.output) }}', { needs: ['twice'] }),
        guarded: transform('big', { needs: ['twice'], if: '${{ size(steps.twice.output) > 10 }}' }),
        unguarded: transform('small', { needs: ['twice'], if: '${{ size(steps.twice.output) < 10 }}' }),
        all: transform(
          { copy: '${{ steps.twice.output }}', size: '${{ steps.size.output }}' },
          { needs: ['twice', 'size'] },
        ),
      },
      { output: '${{ steps.all.output }}' },
    ),
  );
  const list = Array.from({ length: 20_000 }, (_, n) => n * 7);
  const { id } = await product.start('large', { list });
  const run = await product.ended(id);
  expect(run).toMatchObject({ state: 'completed', input: null, output: null });
  expect(run.output_ref).toMatch(/^sha256:/);
  const output = await product.call<{ copy: number[]; size: number }>(
    'GET',
    `/blobs/${String(run.output_ref)}`,
  );
  expect(output.body.size).toBe(40_000);
  expect(output.body.copy.length).toBe(40_000);
  expect(output.body.copy.slice(19_998, 20_002)).toEqual([139_986, 139_993, 0, 7]);
  const steps = Object.fromEntries((await product.steps(id)).map((step) => [step.node, step]));
  expect(steps.size?.output).toBe(40_000);
  expect(steps.guarded?.output).toBe('big');
  expect(steps.unguarded?.state).toBe('skipped');
  expect(steps.twice?.output_ref).toMatch(/^sha256:/);
  expect(await largestPayload(id)).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
});

test('an error in an expression over a stored value fails the step like any other', async () => {
  await product.publish(
    'large-bad',
    definition('large-bad', { bad: transform('${{ input.list[999999] }}') }),
  );
  const run = await product.ended(
    (await product.start('large-bad', { list: Array.from({ length: 20_000 }, (_, n) => n) })).id,
  );
  expect(run).toMatchObject({ state: 'failed', error: { code: 'expression_error', step: 'bad' } });
});

test('an input above the limit is refused and starts nothing', async () => {
  const refused = await product.call('POST', '/runs', {
    workflow: 'large',
    input: { list: 'x'.repeat(1_100_000) },
  });
  expect(refused.status).toBe(413);
});

test('many middling values outgrow one payload, not the run', async () => {
  const nodes: Record<string, ReturnType<typeof transform>> = {};
  for (let n = 0; n < 12; n++) nodes[`n${n}`] = transform(`${'x'.repeat(20_000)}${n}`);
  nodes.joined = transform(
    '${{ ' +
      Object.keys(nodes)
        .map((id) => `size(steps.${id}.output)`)
        .join(' + ') +
      ' }}',
    { needs: Object.keys(nodes) },
  );
  await product.publish('middling', definition('middling', nodes, { output: '${{ steps.joined.output }}' }));
  const run = await product.ended((await product.start('middling')).id);
  expect(run).toMatchObject({ state: 'completed', output: 12 * 20_001 + 2 });
  expect(await largestPayload(run.id)).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
});

test('a long run continues as new: same id, no gap, values and waits carried over', async () => {
  const nodes: Record<string, ReturnType<typeof transform>> = {
    big: transform('y'.repeat(30_000)),
    other: transform('z'.repeat(30_000)),
  };
  let before = 'big';
  for (let n = 0; n < 18; n++) {
    nodes[`w${n}`] = wait(0.02, { needs: [before] });
    nodes[`t${n}`] = transform(`\${{ size(steps.big.output) + ${n} }}`, { needs: [`w${n}`] });
    before = `t${n}`;
  }
  nodes.long = wait(4);
  nodes.last = transform('${{ steps.big.output + steps.other.output }}', {
    needs: [before, 'long', 'other'],
  });
  await product.publish(
    'continued',
    definition('continued', nodes, {
      output: '${{ [size(steps.last.output), steps.long.output.waited_ms, steps.t17.output] }}',
    }),
  );
  const { id } = await product.start('continued');
  const run = await product.ended(id, 60);
  expect(run.state).toBe('completed');
  const [size, waited_ms, last] = run.output as number[];
  expect([size, last]).toEqual([60_000, 30_017]);
  expect(waited_ms).toBeGreaterThanOrEqual(4_000);
  const description = await new Client({ connection }).workflow.getHandle(id).describe();
  expect(description.raw.workflowExtendedInfo?.originalStartTime).toBeDefined();
  expect(description.raw.workflowExecutionInfo?.firstRunId).not.toBe(description.runId);
  expect(await largestPayload(id)).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
});
