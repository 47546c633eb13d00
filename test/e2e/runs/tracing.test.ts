import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { bash, definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';

const exporter = new InMemorySpanExporter();
const spanProcessor = new SimpleSpanProcessor(exporter);
const resource = resourceFromAttributes({ 'service.name': 'test' });
const sdk = new NodeSDK({
  resource,
  spanProcessors: [spanProcessor],
  metricReaders: [],
  logRecordProcessors: [],
});

let product: Product;

beforeAll(async () => {
  sdk.start();
  product = await startProduct({ code: true, tracing: { resource, spanProcessor } });
});
afterAll(async () => {
  await product.stop();
  await sdk.shutdown();
});

test('one trace runs from the request through workflow and activity', async () => {
  await product.publish(
    'traced',
    definition('traced', { a: transform(1), b: bash('echo hi', { needs: ['a'] }) }),
  );
  const trace_id = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  const started = await product.call<{ id: string }>(
    'POST',
    '/runs',
    { workflow: 'traced' },
    { traceparent: `00-${trace_id}-bbbbbbbbbbbbbbbb-01` },
  );
  expect((await product.ended(started.body.id)).state).toBe('completed');
  const names = () =>
    exporter
      .getFinishedSpans()
      .filter((span) => span.spanContext().traceId === trace_id)
      .map((span) => span.name);
  for (let tries = 0; tries < 100 && !names().includes('RunWorkflow:dag'); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(names()).toEqual(
    expect.arrayContaining([
      'StartWorkflow:dag',
      'RunWorkflow:dag',
      'RunActivity:code',
      'RunActivity:endRun',
    ]),
  );
  expect(names().some((name) => name.includes('/runs'))).toBe(true);
});
