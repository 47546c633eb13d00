import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

export interface MetricsServerOptions {
  host: string;
  port: number;
  /** Set by the user: this port or an error. Otherwise a busy port gives way to a free one. */
  port_explicit: boolean;
  service_name: string;
}

export interface MetricsServer {
  meter: Meter;
  port: number;
  close(): Promise<void>;
}

/** Serves `GET /metrics` in the Prometheus text format. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  const resource = resourceFromAttributes({ 'service.name': options.service_name });
  const provider = new MeterProvider({ readers: [exporter], resource });
  const server = createServer((req, res) => {
    if (req.url?.split('?')[0] === '/metrics') return exporter.getMetricsRequestHandler(req, res);
    res.writeHead(404).end();
  });
  const port = await listenNear(server, options);
  // Metrics alone are no reason to stay alive.
  server.unref();
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await provider.shutdown();
  };
  return { meter: provider.getMeter('orchestrator'), port, close };
}

async function listenNear(server: Server, options: MetricsServerOptions): Promise<number> {
  const { host, port, port_explicit } = options;
  try {
    return await listen(server, port, host);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (!port_explicit) return listen(server, 0, host);
    throw new Error(
      `Port ${port} for metrics is in use. It was set explicitly (ORCHESTRATOR_SERVER_METRICS_PORT).`,
      { cause: error },
    );
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
