import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './api/app.ts';
import { apiServer } from './api/app-server.ts';
import { capabilitiesOf } from './capabilities.ts';
import { bearerAuthentication, type Credential } from './api/middleware/bearer.ts';
import { routeTable } from './api/routes/table.ts';
import { ADMIN_PRINCIPAL, ADMIN_USER_ID } from './contract/principal.ts';
import { PERMISSIONS } from './contract/roles.ts';
import { createApiServices, type Outside } from './container.ts';
import { createStore, type Base } from './container-store.ts';
import { createEvents } from './container-events.ts';
import { newId } from './ids.ts';
import { asDatabaseError, ping } from './persistence/db.ts';
import { listenForRuns } from './persistence/notifications.ts';
import { startSweeps } from './serve-sweeps.ts';
import { VERSION } from './version.ts';

export interface ServeOptions extends Base, Outside {
  database_url: string;
  token: string;
  /** Set for the administrator where there is none yet. */
  admin_password?: string;
  tracing: boolean;
}

export interface Served {
  url: string;
  /** Stops taking requests, lets those under way end, then lets go of everything. */
  stop: () => Promise<void>;
}

/** The API process: listens, sweeps the outbox, follows the runs' news. */
export async function serveApi(options: ServeOptions): Promise<Served> {
  const { config, logger, metrics, db, temporal, database_url } = options;
  const store = createStore(options);
  const services = createApiServices(options, store, options);
  const events = createEvents(options, store, services.feed);
  const shutdown = new AbortController();
  // Every caller that waits listens to it until it leaves.
  setMaxListeners(0, shutdown.signal);
  const { feed, task_feed } = services;
  const notifications = await listenForRuns(database_url, {
    onNews: (news) => feed.onNews(news),
    onTask: (news) => task_feed.onTask(news),
    onGap() {
      feed.onGap();
      task_feed.onGap();
    },
  });
  metrics.observeActive(() => store.run_rows.countOpen());
  const app = createApp({
    routes: routeTable({
      services: { ...services, ...events, store },
      shutdown: shutdown.signal,
      ids: newId,
      version: VERSION,
      capabilities: () => capabilitiesOf(config, options.sandbox()),
      checks: { database: () => ping(db), temporal: () => temporal.ping(1_000) },
    }),
    authenticate: bearerAuthentication(credentialsOf(options), services.authenticator.whoShows),
    projects: services.projects,
    idempotency: services.idempotency,
    audit: services.audit_log,
    logger,
    metrics,
    limits: config.limits,
    allowance: services.allowance,
    openapi: { title: 'Orchestrator', version: VERSION },
    translateError: asDatabaseError,
    tracing: options.tracing,
  });
  if (options.admin_password !== undefined)
    await services.users.setUpAdministrator(config.auth.admin_email, options.admin_password);
  const server = apiServer(app);
  const url = await listen(server, config.server.host, config.server.port);
  const sweeps = startSweeps(config, services, logger);
  return {
    url,
    async stop() {
      shutdown.abort();
      await Promise.all([services.bulk.stop(), sweeps.stop()]);
      await closed(server, config.server.shutdown_grace_seconds * 1_000);
      await services.allowances.stop();
      await services.admission.stop();
      await services.dispatch.idle();
      await services.agent_manager?.stop();
      await events.stop();
      await notifications.close();
    },
  };
}

/** The administrator, and who else the configuration names. */
function credentialsOf({ token, config }: ServeOptions): Credential[] {
  const admin = {
    id: ADMIN_PRINCIPAL,
    user_id: ADMIN_USER_ID,
    role: 'owner',
    permissions: PERMISSIONS,
  } as const;
  const others = config.auth.tokens.map(({ name, token, ...principal }) => ({
    token: token.reveal(),
    principal: { id: `token:${name}`, ...principal },
  }));
  return [{ token, principal: admin }, ...others];
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
}

/** Requests under way may end; what is still open after the grace time is cut. */
async function closed(server: Server, grace_ms: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), grace_ms);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cut);
}
