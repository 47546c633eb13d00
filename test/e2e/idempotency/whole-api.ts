import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { LIMITS, listeningApi, OWNER, type TestApi, TOKEN } from '../../../src/api/app-fixture.ts';
import { bearerAuthentication } from '../../../src/api/middleware/bearer.ts';
import type { Principal } from '../../../src/contract/principal.ts';
import type { Route } from '../../../src/api/route.ts';
import { routeTable } from '../../../src/api/routes/table.ts';
import { capabilitiesOf } from '../../../src/capabilities.ts';
import { connectTemporal } from '../../../src/clients/temporal-link.ts';
import { loadConfig } from '../../../src/config.ts';
import { type ApiServices, createApiServices } from '../../../src/container.ts';
import { createStore } from '../../../src/container-store.ts';
import { createEvents } from '../../../src/container-events.ts';
import { NO_METRICS } from '../../../src/contract/metrics.ts';
import { newId } from '../../../src/ids.ts';
import { createLogger } from '../../../src/log.ts';
import { asDatabaseError, type Database, openDatabase } from '../../../src/persistence/db.ts';
import { testDatabase } from '../../support/database.ts';
import { testTemporal } from '../../support/stack.ts';

/** Runs a handler; a test puts another one in its place to hold it up or to make it fail. */
export type Around = (
  run: () => ReturnType<NonNullable<Route['handler']>>,
) => ReturnType<NonNullable<Route['handler']>>;

export interface WholeApi {
  routes: readonly Route[];
  api: TestApi;
  database: Database;
  services: ApiServices;
  /** What happens around every handler from now on. */
  around(next: Around): void;
  close(): Promise<void>;
}

export interface WholeApiOptions {
  /** Settings by the names that the environment has for them. */
  settings?: Record<string, string>;
  /** Who may call besides the owner, by tokens that `tokenOf` tells. */
  people?: Readonly<Record<string, Omit<Principal, 'id'>>>;
}

const DEFAULTS = { ORCHESTRATOR_SECRETS_KEY: 'a-key-of-at-least-32-characters-0' };

export const tokenOf = (name: string) => name.padEnd(32, '-');

/** Every route of the product with the services of the product, but for workers. */
export async function wholeApi({ settings = {}, people = {} }: WholeApiOptions = {}): Promise<WholeApi> {
  const test_database = await testDatabase();
  const data_dir = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-whole-api-'));
  const config = loadConfig({ ...DEFAULTS, ORCHESTRATOR_DATA_DIR: data_dir, ...settings }, data_dir);
  const database = openDatabase({ url: test_database.url, max_connections: 10 });
  const task_queue = `test-${newId()}`;
  const { namespace } = config.temporal;
  const temporal = await connectTemporal({ address: testTemporal(), namespace, task_queue, eager: false });
  const logger = createLogger({ level: 'silent', service_name: 'test' });
  const base = { config, db: database.db, logger, metrics: NO_METRICS };
  const store = createStore(base);
  const { runs, executions, maintenance, schedules, refinements } = temporal;
  const jwt_secret = 'a-secret-of-thirty-two-characters';
  const outside = {
    temporal: runs,
    executions,
    maintenance,
    schedules,
    refinements,
    jwt_secret,
    sandbox: () => null,
  };
  const services = createApiServices(base, store, outside);
  const events = createEvents(base, store, services.feed);
  const routes = routeTable({
    services: { ...services, ...events, store },
    ids: newId,
    version: 'test',
    checks: {},
    capabilities: () => capabilitiesOf(config, null),
    shutdown: new AbortController().signal,
  });
  let around: Around = (run) => run();
  const wrapped = routes.map(({ handler, ...row }): Route => ({
    ...row,
    handler: (call) => around(() => handler(call)),
  }));
  const credentials = Object.entries(people).map(([name, rest]) => ({
    token: tokenOf(name),
    principal: { id: `token:${name}`, ...rest },
  }));
  const api = await listeningApi(wrapped, {
    authenticate: bearerAuthentication(
      [{ token: TOKEN, principal: OWNER }, ...credentials],
      services.authenticator.whoShows,
    ),
    projects: services.projects,
    idempotency: services.idempotency,
    audit: services.audit_log,
    limits: { ...LIMITS, body_bytes: 1_048_576 },
    translateError: asDatabaseError,
  });
  return {
    routes,
    api,
    database,
    services,
    around: (next) => void (around = next),
    async close() {
      await api.close();
      await services.allowances.stop();
      await services.dispatch.idle();
      await events.stop();
      await temporal.close();
      await database.close();
      await test_database.drop();
      await rm(data_dir, { recursive: true, force: true });
    },
  };
}
