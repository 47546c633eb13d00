import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { mayListenOn } from './listening.ts';
import type { Log } from './log.ts';
import { choosePort, onPorts } from './ports.ts';
import { liveRecord, rememberedPorts } from './service-record.ts';
import { supervise, type ServiceSpec } from './supervisor.ts';
import { temporalCli } from './temporal-cli.ts';

const DEFAULT_PORTS = { grpc: 7_233, ui: 8_233 };
const PROBE_TIMEOUT_MS = 2_000;
const STOP_STEPS: ServiceSpec['stop_steps'] = [
  { signal: 'SIGTERM', wait_ms: 10_000 },
  { signal: 'SIGKILL', wait_ms: 5_000 },
];
/** What runs are listed by in the visibility store. */
const SEARCH_ATTRIBUTES = [
  'OrchestratorWorkflow',
  'OrchestratorProject',
  'OrchestratorType',
  'OrchestratorState',
];
/** By default the dev server polls a shard's queue 20 times a second, up to 50 ms on every workflow task, and shorter timers last a second. */
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxTimeShift="10ms"',
];

interface Ports {
  grpc: number;
  ui: number;
}

export interface TemporalOptions {
  data_dir: string;
  cache_dir: string;
  log: Log;
  /** This port or an error; 0 = any free one. Absent: the last one, the default, or any free one. */
  port?: number;
  ui_port?: number;
  /** The CLI to run; see temporal-cli.ts for what happens without one. */
  cli_path?: string;
}

export interface Temporal {
  /** host:port of the frontend. */
  address: string;
  ui_url: string;
  pid: () => number;
  stop: () => Promise<void>;
}

/**
 * Starts a Temporal dev server on a database file of the data directory and keeps it running; resolves
 * once its `default` namespace answers. A server that a killed predecessor left behind is used again.
 */
export async function startTemporal(options: TemporalOptions): Promise<Temporal> {
  const { data_dir, cache_dir, cli_path, log } = options;
  const home = path.join(data_dir, 'temporal');
  // Closed to others: the server itself would make its database readable for everyone.
  for (const directory of [home, path.join(data_dir, 'logs')])
    await mkdir(directory, { recursive: true, mode: 0o700 });
  const record_file = path.join(data_dir, 'temporal.service.json');
  const file = await temporalCli({ cli_path, cache_dir, log });
  const start = async (ports: Ports): Promise<Temporal> => {
    const service = await supervise({
      name: 'Temporal',
      command: {
        file,
        args: argumentsOf(path.join(home, 'temporal.db'), ports),
        cwd: home,
        env: process.env,
        log_file: path.join(data_dir, 'logs', 'temporal.log'),
      },
      ports: [ports.grpc, ports.ui],
      record_file,
      probe: (pid) => answers(pid, ports.grpc),
      ready_timeout_ms: 60_000,
      stop_steps: STOP_STEPS,
      log,
    });
    const { pid, stop } = service;
    return { address: `127.0.0.1:${ports.grpc}`, ui_url: `http://127.0.0.1:${ports.ui}`, pid, stop };
  };
  return onPorts(() => portsOf(options, record_file), start);
}

function argumentsOf(database: string, ports: Ports): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1'],
    ...['--port', String(ports.grpc), '--ui-port', String(ports.ui)],
    ...['--db-filename', database],
    // Without these two a database file costs a factor of 3 to 8. NORMAL may lose the last commits at a power cut only.
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ...['--log-level', 'warn', '--log-format', 'json'],
    ...DYNAMIC_CONFIG.flatMap((pair) => ['--dynamic-config-value', pair]),
    ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

/** A running orphan keeps its ports unless others were asked for; then it is stopped by the supervisor. */
async function portsOf(options: TemporalOptions, record_file: string): Promise<Ports> {
  const [grpc, ui] = (await liveRecord(record_file))?.ports ?? [];
  const held = grpc !== undefined && ui !== undefined ? { grpc, ui } : undefined;
  if (held && (options.port || held.grpc) === held.grpc && (options.ui_port || held.ui) === held.ui)
    return held;
  const remembered = await rememberedPorts(record_file);
  const choose = (
    purpose: string,
    setting: string,
    wish: { explicit?: number; preferred: (number | undefined)[] },
  ) =>
    choosePort({
      purpose,
      setting,
      explicit: wish.explicit,
      preferred: wish.preferred.filter((port) => port !== undefined),
    });
  return {
    grpc: await choose('Temporal', 'ORCHESTRATOR_TEMPORAL_PORT', {
      explicit: options.port,
      preferred: [remembered[0], DEFAULT_PORTS.grpc],
    }),
    ui: await choose("Temporal's web interface", 'ORCHESTRATOR_TEMPORAL_UI_PORT', {
      explicit: options.ui_port,
      preferred: [remembered[1], DEFAULT_PORTS.ui],
    }),
  };
}

async function answers(pid: number, port: number): Promise<void> {
  if (!mayListenOn(pid, port)) throw new Error(`Port ${port} is not the child's yet`);
  const connection = await Connection.connect({
    address: `127.0.0.1:${port}`,
    connectTimeout: PROBE_TIMEOUT_MS,
  });
  try {
    await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace: 'default' }),
    );
  } finally {
    await connection.close();
  }
}
