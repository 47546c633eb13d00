import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { loadConfig } from '../../config.ts';
import { devEnvironment } from '../environment.ts';
import { startServices, type Services } from '../stack.ts';
import { httpClient, type HttpClient } from './http-client.ts';
import type { Options } from './options.ts';
import { startPeer, type Peer } from './peer.ts';
import { cleanEnvironment } from './processes.ts';
import { productClient, startProduct, type Product } from './product.ts';
import type { RawCalls } from './raw.ts';
import type { WebCalls, WebPlaces } from './web.ts';

/** Clients of the throughput figures; the connections of every pool. */
export const CLIENTS = 50;
const RAW_TASK_QUEUE = 'raw';
const REFERENCE_DATABASE = 'reference';

/** Everything that is measured, up and warm, on one PostgreSQL and one Temporal server. */
export interface Bed {
  /** Removed at the end. */
  directory: string;
  services: Required<Pick<Services, 'postgres' | 'temporal'>> & Services;
  product: Product;
  api: HttpClient;
  raw: Peer<RawCalls>;
  web: HttpClient;
  places: WebPlaces;
  /** A database of its own for what is compared with the product's store. */
  reference_url: string;
}

export interface Cleanup {
  /** Runs at the end, the last one first; what was started is known before it is up. */
  defer: (undo: () => Promise<unknown>) => void;
  /** Safe to call twice: everybody waits for the one end. */
  run: () => Promise<void>;
  isRunning: () => boolean;
}

export function cleanup(onError: (error: unknown) => void): Cleanup {
  const undos: (() => Promise<unknown>)[] = [];
  let running: Promise<void> | undefined;
  const runAll = async () => {
    for (let undo = undos.pop(); undo; undo = undos.pop()) await undo().catch(onError);
  };
  return {
    defer: (undo) => void undos.push(undo),
    run: () => (running ??= runAll()),
    isRunning: () => running !== undefined,
  };
}

/** Starts services, product and references. */
export async function makeBed(
  options: Options,
  { defer }: Cleanup,
  say: (line: string) => void,
): Promise<Bed> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-bench-'));
  defer(() => rm(directory, { recursive: true, force: true }));
  // PostgreSQL's account must be able to pass through.
  await chmod(directory, 0o711);
  const services = await ownServices(directory, defer, say);
  const reference_url = await createDatabase(services.postgres, REFERENCE_DATABASE);
  const web_peer = startPeer<WebCalls>('./web.ts', path.join(directory, 'web.log'));
  defer(() => web_peer.stop());
  const config = loadConfig(cleanEnvironment(), directory);
  const max_connections = config.database.max_open_conns;
  const places = await web_peer.call('start', { database_url: reference_url, max_connections });
  const raw = startPeer<RawCalls>('./raw.ts', path.join(directory, 'raw.log'));
  defer(() => raw.stop());
  const starting = startProduct({
    data_dir: path.join(directory, 'product'),
    database_url: services.database_url,
    temporal_address: services.temporal_address,
    allow_host: new URL(places.nothing_url).host,
    profile_dir: options.profile,
  });
  defer(starting.stop);
  const address = services.temporal_address;
  const raw_start = {
    address,
    task_queue: RAW_TASK_QUEUE,
    http_url: places.nothing_url,
    worker: config.worker,
  };
  const [product] = await Promise.all([starting.ready, raw.call('start', raw_start)]);
  const api = productClient(product, CLIENTS);
  const web = httpClient(places.url, { connections: CLIENTS });
  defer(() => Promise.all([api.close(), web.close()]));
  return { directory, services, product, api, raw, web, places, reference_url };
}

async function ownServices(directory: string, defer: Cleanup['defer'], log: (line: string) => void) {
  const environment = {
    ...devEnvironment(cleanEnvironment()),
    postgres_port: 0,
    temporal_port: 0,
    temporal_ui_port: 0,
  };
  const data_dir = path.join(directory, 'services');
  const starting = startServices({ log, durable: true, environment: { ...environment, data_dir } });
  defer(async () => (await starting).stop());
  const services = await starting;
  const { postgres, temporal } = services;
  if (!postgres || !temporal) throw new Error('The bench needs services of its own.');
  return { ...services, postgres, temporal };
}

async function createDatabase(
  { url, urlOf }: { url: string; urlOf: (name: string) => string },
  name: string,
): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  await client.end();
  return urlOf(name);
}
