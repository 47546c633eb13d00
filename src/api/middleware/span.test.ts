import { context, propagation, trace } from '@opentelemetry/api';
import { core, node, tracing } from '@opentelemetry/sdk-node';
import { exampleRoutes } from '../app-fixture-routes.ts';
import { listeningApi, type TestApi } from '../app-fixture.ts';
import { route } from '../route.ts';

const exporter = new tracing.InMemorySpanExporter();
let api: TestApi;
let active_trace: string | undefined;

const run = route({
  method: 'get',
  path: '/runs/:id',
  group: 'runs',
  summary: 'Get.',
  responses: { 204: { description: 'One.' } },
  handler: () => {
    active_trace = trace.getActiveSpan()?.spanContext().traceId;
    return Promise.resolve({ status: 204 });
  },
});

beforeAll(async () => {
  const provider = new node.NodeTracerProvider({
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  });
  provider.register({ propagator: new core.W3CTraceContextPropagator() });
  api = await listeningApi([...exampleRoutes, run], { tracing: true });
});
afterAll(async () => {
  await api.close();
  trace.disable();
  context.disable();
  propagation.disable();
});
beforeEach(() => exporter.reset());

const finished = async () => {
  for (const end_ms = Date.now() + 60_000; exporter.getFinishedSpans().length === 0 && Date.now() < end_ms;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return exporter.getFinishedSpans()[0]!;
};

describe('a request span', () => {
  it("continues the caller's trace, around the handler", async () => {
    const trace_id = '0af7651916cd43dd8448eb211c80319c';
    await api.call('GET', '/api/runs/r1', { headers: { traceparent: `00-${trace_id}-b7ad6b7169203331-01` } });
    const span = await finished();
    expect(span.name).toBe('GET /api/v1/runs/{id}');
    expect(span.spanContext().traceId).toBe(trace_id);
    expect(span.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    expect(active_trace).toBe(trace_id);
    expect(span.attributes).toMatchObject({
      'http.response.status_code': 204,
      'orchestrator.run_id': 'r1',
      'http.route': '/api/v1/runs/{id}',
    });
  });

  it('is an error for a failure of ours only', async () => {
    await api.call('GET', '/api/v1/fails/conflict');
    expect(await finished()).toMatchObject({ status: { code: 0 }, events: [] });
    exporter.reset();
    await api.call('GET', '/api/v1/fails/defect');
    const span = await finished();
    expect([span.status.code, span.events.length]).toEqual([2, 1]);
  });
});
