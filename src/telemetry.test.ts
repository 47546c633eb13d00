import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { trace } from '@opentelemetry/api';
import { loadConfig } from './config.ts';
import { startTelemetry, tracesUrl, type Telemetry } from './telemetry.ts';

const NAMES = [
  'orchestrator_workflows_total',
  'orchestrator_workflows_duration_seconds',
  'orchestrator_workflows_active',
  'orchestrator_api_requests_total',
  'orchestrator_api_request_duration_seconds',
];

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(env: Record<string, string>): Promise<Telemetry> {
  const telemetry = await startTelemetry(loadConfig(env, '/nowhere'), '0.0.0');
  started.push(telemetry);
  return telemetry;
}

async function busyPort(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  started.push({ stop: () => new Promise((resolve) => server.close(() => resolve())) });
  return (server.address() as AddressInfo).port;
}

const scrape = async ({ metrics_port }: Telemetry) =>
  (await fetch(`http://127.0.0.1:${metrics_port}/metrics`)).text();

describe('the metrics', () => {
  it('have the names of the contract on a real scrape, with types and labels', async () => {
    const telemetry = await start({ ORCHESTRATOR_SERVER_METRICS_PORT: '0' });
    const { metrics } = telemetry;
    metrics.requestDone('/runs/:id', 'GET', 200, 0.02);
    metrics.runStarted('dag');
    metrics.runEnded('dag', 'completed', 2);
    metrics.glassBroken('undo');
    metrics.observeActive(() => Promise.resolve(3));
    const text = await scrape(telemetry);
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`);
    expect(types).toEqual(expect.arrayContaining(NAMES.map((name) => `${name} ${typeOf(name)}`)));
    expect(text).toContain('orchestrator_api_requests_total{route="/runs/:id",method="GET",status="200"} 1');
    expect(text).toContain('orchestrator_workflows_total{type="dag"} 1');
    expect(text).toContain('orchestrator_tag_break_glass_total{command="undo"} 1');
    expect(text).toContain('orchestrator_workflows_duration_seconds_sum{type="dag",state="completed"} 2');
    expect(text).toMatch(/^orchestrator_workflows_active 3$/m);
  });

  it('leave a gap when the runs cannot be counted', async () => {
    const telemetry = await start({ ORCHESTRATOR_SERVER_METRICS_PORT: '0' });
    telemetry.metrics.observeActive(() => Promise.reject(new Error('away')));
    telemetry.metrics.runStarted('dag');
    const text = await scrape(telemetry);
    expect(text).not.toMatch(/^orchestrator_workflows_active /m);
    expect(text).toContain('orchestrator_workflows_total{type="dag"} 1');
  });

  it('can be switched off', async () => {
    const telemetry = await start({ ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false' });
    expect(telemetry.metrics_port).toBeUndefined();
    telemetry.metrics.runStarted('dag');
  });
});

describe('the metrics port', () => {
  it('moves to a free one when a default is busy, and is an error when it was set', async () => {
    const port = await busyPort();
    const config = loadConfig({}, '/nowhere');
    const server = { ...config.server, metrics_port: port };
    const moved = await startTelemetry({ ...config, server }, '0.0.0');
    started.push(moved);
    expect(moved.metrics_port).not.toBe(port);
    await expect(start({ ORCHESTRATOR_SERVER_METRICS_PORT: String(port) })).rejects.toThrow(/METRICS_PORT/);
  });
});

describe('traces', () => {
  it('are off without an endpoint', async () => {
    expect((await start({ ORCHESTRATOR_SERVER_METRICS_PORT: '0' })).tracing).toBeUndefined();
  });

  it('reach a collector by OTLP over HTTP', async () => {
    const posted: string[] = [];
    const collector = createServer((req, res) => {
      posted.push(`${req.method} ${req.url}`);
      req.resume().on('end', () => res.end('{}'));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => collector.once('listening', resolve));
    const { port } = collector.address() as AddressInfo;
    const env = {
      ORCHESTRATOR_TELEMETRY_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      ORCHESTRATOR_SERVER_METRICS_PORT: '0',
    };
    const telemetry = await start(env);
    trace.getTracer('test').startSpan('one').end();
    await telemetry.stop();
    expect(posted).toEqual(['POST /v1/traces']);
    collector.closeAllConnections();
    await new Promise((resolve) => collector.close(resolve));
  });

  it.each([
    ['http://localhost:4318', 'http://localhost:4318/v1/traces'],
    ['http://localhost:4318/', 'http://localhost:4318/v1/traces'],
    ['http://collector/otlp/v1/traces', 'http://collector/otlp/v1/traces'],
  ])('of %s go to %s', (endpoint, url) => {
    expect(tracesUrl(endpoint)).toBe(url);
  });
});

function typeOf(name: string): string {
  if (name.endsWith('_total')) return 'counter';
  return name.endsWith('_active') ? 'gauge' : 'histogram';
}
