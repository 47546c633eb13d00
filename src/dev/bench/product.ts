import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readDevFile } from '../dev-file.ts';
import { httpClient, type HttpClient } from './http-client.ts';
import { cleanEnvironment, startNode, stopProcess, untilThere } from './processes.ts';

const START_LIMIT_MS = 120_000;

export interface Places {
  database_url: string;
  temporal_address: string;
}

/** The product, started as `npm start` does it, on services that are there. */
export interface Product {
  /** API and interpreter: one process. */
  pid: number;
  url: string;
  token: string;
  /** What it prints: warnings and errors only, after its welcome. */
  log_file: string;
  stop(): Promise<void>;
}

export interface ProductOptions extends Places {
  data_dir: string;
  /** Where its CPU profile goes when it ends. */
  profile_dir?: string;
  /** `host:port` that http steps may call although it is private. */
  allow_host: string;
}

/** Answers once the API says that it is ready. */
export function startProduct(options: ProductOptions): {
  ready: Promise<Product>;
  stop: () => Promise<void>;
} {
  const { data_dir, profile_dir } = options;
  let child: ChildProcess | undefined;
  const stop = async () => child && stopProcess(child);
  const begin = async (): Promise<Product> => {
    const logs = path.join(data_dir, 'logs');
    await mkdir(logs, { recursive: true, mode: 0o711 });
    const log_file = path.join(logs, 'output.log');
    const profiled = profile_dir ? ['--cpu-prof', '--cpu-prof-dir', path.resolve(profile_dir)] : [];
    child = startNode(
      [...profiled, '--import', 'tsx', 'src/main.ts', 'stack'],
      productEnvironment(options),
      log_file,
    );
    const waiting = { child, log_file, what: 'The product', limit_ms: START_LIMIT_MS };
    const { api_url, token } = await untilThere(waiting, () => readyStack(data_dir));
    return { pid: child.pid ?? 0, url: api_url, token, log_file, stop };
  };
  return { ready: begin(), stop };
}

/** What the stack of this data directory says about itself, once its API is ready. */
export async function readyStack(data_dir: string): Promise<{ api_url: string; token: string } | undefined> {
  const stack = await readDevFile(data_dir);
  if (!stack) return undefined;
  const answer = await fetch(`${stack.api_url}/ready`);
  return answer.ok ? stack : undefined;
}

/** The settings of every process of the product that the bench starts. */
export function productEnvironment(options: ProductOptions): NodeJS.ProcessEnv {
  return {
    ...cleanEnvironment(),
    ORCHESTRATOR_DATA_DIR: options.data_dir,
    ORCHESTRATOR_DATABASE_URL: options.database_url,
    ORCHESTRATOR_TEMPORAL_HOST_PORT: options.temporal_address,
    ORCHESTRATOR_SERVER_PORT: '0',
    ORCHESTRATOR_SERVER_METRICS_PORT: '0',
    ORCHESTRATOR_TELEMETRY_LOG_LEVEL: 'warn',
    // The default is 100 requests a second.
    ORCHESTRATOR_LIMITS_RATE_PER_SECOND: '1000000',
    ORCHESTRATOR_LIMITS_RATE_BURST: '1000000',
    ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: options.allow_host,
  };
}

export function productClient({ url, token }: Product, connections: number): HttpClient {
  return httpClient(url, { connections, headers: { authorization: `Bearer ${token}` } });
}
