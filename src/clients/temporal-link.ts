import { Client } from '@temporalio/client';
import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { CodecSecrets } from './temporal-codec.ts';
import { codecPlugin, type TemporalPlugin } from './temporal-codec-plugin.ts';
import { temporalMaintenance, type TemporalMaintenance } from './temporal-maintenance.ts';
import { temporalDeployments, type TemporalDeployments } from './temporal-deployments.ts';
import { temporalExecutions, type TemporalExecutions } from './temporal-executions.ts';
import { temporalRefinements, type TemporalRefinements } from './temporal-refinements.ts';
import { temporalRunSchedules, type TemporalRunSchedules } from './temporal-run-schedules.ts';
import { ensureHealthSweep, ensureSchedules, type MaintenanceSchedules } from './temporal-schedules.ts';
import { temporalRuns, type TemporalRuns } from './temporal.ts';

export type { TemporalExecutions } from './temporal-executions.ts';
export type { TemporalMaintenance } from './temporal-maintenance.ts';
export type { TemporalRefinements } from './temporal-refinements.ts';
export type { TemporalRunSchedules } from './temporal-run-schedules.ts';
export type { TemporalRuns } from './temporal.ts';

export interface TemporalLink {
  connection: NativeConnection;
  runs: TemporalRuns;
  executions: TemporalExecutions;
  deployments: TemporalDeployments;
  maintenance: TemporalMaintenance;
  refinements: TemporalRefinements;
  /** Schedules of runs. */
  schedules: TemporalRunSchedules;
  /** Makes the schedules of maintenance what they should be. */
  ensureSchedules: (schedules: MaintenanceSchedules) => Promise<void>;
  /** Makes the schedule that judges the silence of external runs; 0 seconds is none. */
  ensureHealthSweep: (every_seconds: number) => Promise<void>;
  /** What workers of this link have to be made with. */
  plugins: TemporalPlugin[];
  close: () => Promise<void>;
}

export interface TemporalPlace {
  /** host:port of the frontend. */
  address: string;
  namespace: string;
  task_queue: string;
  /** A worker of the same task queue is in this process: the first task of a run comes back with its start. */
  eager: boolean;
  /** Set when traces are exported: then one trace runs from the API call through workflow and activities. */
  tracing?: TracingOptions;
  /** Set when payloads are encrypted, or may have been. */
  codec?: CodecSecrets;
}

/** One connection to Temporal, for client and workers alike. */
export async function connectTemporal(place: TemporalPlace): Promise<TemporalLink> {
  const { address, namespace, task_queue, eager, tracing, codec } = place;
  const plugins: TemporalPlugin[] = [
    ...(codec ? [codecPlugin(codec)] : []),
    ...(tracing ? [await tracingPlugin(tracing)] : []),
  ];
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection, namespace, plugins });
  return {
    connection,
    plugins,
    runs: temporalRuns(client, { task_queue, eager }),
    executions: temporalExecutions(client, { task_queue }),
    deployments: temporalDeployments(client),
    maintenance: temporalMaintenance(client, { task_queue }),
    refinements: temporalRefinements(client, { task_queue }),
    schedules: temporalRunSchedules(client, { task_queue }),
    ensureSchedules: (schedules) => ensureSchedules(client, task_queue, schedules),
    ensureHealthSweep: (every_seconds) => ensureHealthSweep(client, task_queue, every_seconds),
    close: () => connection.close(),
  };
}

type TracingOptions = ConstructorParameters<typeof OpenTelemetryPlugin>[0];

/** Loaded only where traces are exported. */
async function tracingPlugin(tracing: TracingOptions): Promise<OpenTelemetryPlugin> {
  const { OpenTelemetryPlugin: Plugin } = await import('@temporalio/interceptors-opentelemetry-v2');
  return new Plugin(tracing);
}

/** What the Temporal SDK has to say, and how it is said. */
export type SdkLog = (level: 'warn' | 'error', message: string, about: Record<string, unknown>) => void;

/** Sends what the Temporal SDK says through the process's own log, and leaves signals to us. Once per process. */
export function installTemporalRuntime(log: SdkLog): void {
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const { error, ...rest } = (meta ?? {}) as { error?: unknown };
      log(level === 'ERROR' ? 'error' : 'warn', message, { ...rest, ...(error ? { err: error } : {}) });
    }),
  });
}
