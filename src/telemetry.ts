import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Config } from './config.ts';
import { NO_METRICS, type Metrics } from './contract/metrics.ts';
import { createMetrics } from './metrics.ts';
import { startMetricsServer, type MetricsServer } from './telemetry-metrics.ts';

export interface Telemetry {
  metrics: Metrics;
  /** Where metrics are served; undefined when they are switched off. */
  metrics_port: number | undefined;
  /** Set when spans go somewhere: what Temporal's interceptors need to send theirs the same way. */
  tracing: Tracing | undefined;
  /** Sends what is buffered and closes the port. */
  stop: () => Promise<void>;
}

export interface Tracing {
  resource: Resource;
  processor: SpanProcessor;
}

export type TelemetryConfig = Pick<Config, 'server' | 'telemetry'>;

/**
 * Starts traces and metrics. Must come before Express and Temporal are imported, so import those dynamically after it.
 * Traces are exported when telemetry is enabled and has an endpoint; their packages are not even loaded otherwise.
 */
export async function startTelemetry(config: TelemetryConfig, version: string): Promise<Telemetry> {
  const traced = await startTracing(config.telemetry, version);
  const served = config.server.enable_metrics ? await serveMetrics(config) : undefined;
  return {
    metrics: served ? createMetrics(served.meter) : NO_METRICS,
    metrics_port: served?.port,
    tracing: traced?.tracing,
    async stop() {
      await Promise.allSettled([served?.close(), traced?.stop()]);
    },
  };
}

function serveMetrics({ server, telemetry }: TelemetryConfig): Promise<MetricsServer> {
  return startMetricsServer({
    host: server.host,
    port: server.metrics_port,
    port_explicit: server.metrics_port_explicit,
    service_name: telemetry.service_name,
  });
}

async function startTracing(
  telemetry: Config['telemetry'],
  version: string,
): Promise<{ tracing: Tracing; stop: () => Promise<void> } | undefined> {
  if (!telemetry.enabled || telemetry.otlp_endpoint === undefined) return undefined;
  const [{ NodeSDK }, { OTLPTraceExporter }, { resourceFromAttributes }, { BatchSpanProcessor }] =
    await Promise.all([
      import('@opentelemetry/sdk-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-base'),
    ]);
  const resource = resourceFromAttributes({
    'service.name': telemetry.service_name,
    'service.version': version,
    'deployment.environment.name': telemetry.environment,
  });
  const processor = new BatchSpanProcessor(
    new OTLPTraceExporter({ url: tracesUrl(telemetry.otlp_endpoint) }),
  );
  const sdk = new NodeSDK({
    resource,
    spanProcessors: [processor],
    // Metrics have a meter provider of their own, and logs go to standard output.
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  return { tracing: { resource, processor }, stop: () => sdk.shutdown() };
}

/** A collector's base address gets the standard path; an address with a path is meant as it is. */
export function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}
