import { Client, Connection } from '@temporalio/client';
import type { JsonObject } from '../../../src/contract/json.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { historiesOf } from '../../support/executions.ts';
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

/** The largest payload anywhere in a run's histories, in bytes. */
async function largestPayload(id: string): Promise<number> {
  let largest = 0;
  const look = (value: unknown): void => {
    if (value instanceof Uint8Array) largest = Math.max(largest, value.length);
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(look);
  };
  look(await historiesOf(new Client({ connection }), id));
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

/** So many steps that their history is continued as new. */
function chainOf(length: number, first: Record<string, JsonObject>): Record<string, JsonObject> {
  const nodes = { ...first };
  let before = Object.keys(first);
  for (let n = 0; n < length; n++) {
    nodes[`w${n}`] = wait(0.02, { needs: before });
    before = [`w${n}`];
  }
  return nodes;
}

test('events that nothing waited for are kept up to a bound, and carried over with everything else', async () => {
  const LINKS = 40;
  const nodes = chainOf(LINKS, {
    go: { type: 'wait', config: { event: 'go' } },
    ...Object.fromEntries(
      Array.from({ length: 12 }, (_, n) => [`t${n}`, transform(`${'x'.repeat(20_000)}${n}`)]),
    ),
  });
  for (let n = 0; n < 5; n++) {
    const needs = [n === 0 ? `w${LINKS - 1}` : `late${n - 1}`];
    nodes[`late${n}`] = { type: 'wait', needs, config: { event: 'late' } };
  }
  await product.publish(
    'keeping',
    definition('keeping', nodes, {
      params: { text: 'p'.repeat(30_000) },
      output: `\${{ [${[0, 1, 2, 3, 4].map((n) => `steps.late${n}.output.payload.n`).join()}] }}`,
    }),
  );
  const { id } = await product.start('keeping', { text: 'i'.repeat(30_000) });
  for (let n = 0; n < 6; n++)
    await product.call('POST', `/runs/${id}/events/late`, { n, text: 'e'.repeat(12_000) });
  const commands = await eventually(async () => {
    const { items } = (
      await product.call<{ items: { state: string; reason: string | null }[] }>('GET', `/runs/${id}/commands`)
    ).body;
    return items.every(({ state }) => !['queued', 'delivered'].includes(state)) ? items : undefined;
  });
  expect(commands.filter(({ state }) => state === 'acknowledged')).toHaveLength(5);
  expect(commands.find(({ state }) => state === 'rejected')?.reason).toMatch(/64 KiB/);
  await product.call('POST', `/runs/${id}/events/go`, {});
  expect(await product.ended(id, 60)).toMatchObject({ state: 'completed', output: [0, 1, 2, 3, 4] });
  const histories = await historiesOf(new Client({ connection }), id);
  expect(histories.length).toBeGreaterThan(1);
  expect(await largestPayload(id)).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
});

test('params that are large together are refused at the start, and by a tune', async () => {
  await product.publish(
    'params',
    definition('params', { w: wait(600) }, { params: { a: 'x'.repeat(20_000) } }),
  );
  const params = { b: 'x'.repeat(20_000) };
  const refused = await product.call('POST', '/runs', { workflow: 'params', params });
  expect(refused).toMatchObject({
    status: 422,
    body: { code: 'input_invalid', errors: [{ path: '/params' }] },
  });
  const { id } = await product.start('params');
  const tuned = await product.call('POST', `/runs/${id}/tune`, { params });
  expect(tuned).toMatchObject({
    status: 422,
    body: { code: 'input_invalid', errors: [{ path: '/params' }] },
  });
  await product.call('POST', `/runs/${id}/cancel`);
  await product.ended(id);
});
