import type { Config } from './config.ts';
import { NO_METRICS, type Metrics } from './contract/metrics.ts';
import { createMetrics } from './metrics.ts';
import { startMetricsServer, type MetricsServer } from './telemetry-metrics.ts';

export interface Telemetry {
  metrics: Metrics;
  /** Where metrics are served; undefined when they are switched off. */
  metrics_port: number | undefined;
  /** True when spans go somewhere. */
  tracing: boolean;
  /** Sends what is buffered and closes the port. */
  stop(): Promise<void>;
}

export type TelemetryConfig = Pick<Config, 'server' | 'telemetry'>;

/**
 * Starts traces and metrics. Must come before Express and Temporal are imported, so import those dynamically after it.
 * Traces are exported when telemetry is enabled and has an endpoint; their packages are not even loaded otherwise.
 */
export async function startTelemetry(config: TelemetryConfig, version: string): Promise<Telemetry> {
  const stopTracing = await startTracing(config.telemetry, version);
  const served = config.server.enable_metrics ? await serveMetrics(config) : undefined;
  return {
    metrics: served ? createMetrics(served.meter) : NO_METRICS,
    metrics_port: served?.port,
    tracing: stopTracing !== undefined,
    async stop() {
      await Promise.allSettled([served?.close(), stopTracing?.()]);
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
): Promise<(() => Promise<void>) | undefined> {
  if (!telemetry.enabled || telemetry.otlp_endpoint === undefined) return undefined;
  const [{ NodeSDK }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': telemetry.service_name,
      'service.version': version,
      'deployment.environment.name': telemetry.environment,
    }),
    traceExporter: new OTLPTraceExporter({ url: tracesUrl(telemetry.otlp_endpoint) }),
    // Metrics have a meter provider of their own, and logs go to standard output.
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  return () => sdk.shutdown();
}

/** A collector's base address gets the standard path; an address with a path is meant as it is. */
export function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}
