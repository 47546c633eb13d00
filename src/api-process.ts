import type { ApiConfig } from './config.ts';
import { untilAskedToStop } from './lifecycle.ts';
import { connect, openProcess, temporalOf } from './process.ts';

/** One API process against a PostgreSQL and a Temporal of one's own. Any number may run side by side. */
export async function runApi(config: ApiConfig): Promise<void> {
  const opened = await openProcess(config, { role: '' });
  const database_url = config.database.url.reveal();
  const { base, temporal, close } = await connect(config, opened, {
    database_url,
    temporal_address: config.temporal.host_port,
    eager: false,
  });
  const { serveApi } = await import('./serve.ts');
  const api = await serveApi({
    ...base,
    ...temporalOf(temporal),
    database_url,
    token: config.auth.api_token.reveal(),
    jwt_secret: config.auth.jwt_secret.reveal(),
    admin_password: config.auth.admin_password?.reveal(),
    tracing: opened.telemetry.tracing !== undefined,
    sandbox: () => null,
  });
  base.logger.info({ url: api.url, metrics_port: opened.telemetry.metrics_port }, 'the API listens');
  await untilAskedToStop();
  await close(api.stop);
}
