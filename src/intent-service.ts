import { serveIntents } from './clients/intents/grpc-server.ts';
import type { Config } from './config.ts';
import { createOwnIntents } from './container-intents.ts';
import { untilAskedToStop } from './lifecycle.ts';
import { createLogger } from './log.ts';

/** The intent service as a process of its own: what other installations of the product ask over gRPC. */
export async function runIntentService(config: Config): Promise<void> {
  const { log_level: level, service_name } = config.telemetry;
  const logger = createLogger({ level, service_name });
  const host = config.intents.listen.replace(/:\d+$/, '');
  const server = await serveIntents({
    service: createOwnIntents({ config }),
    address: config.intents.listen,
    onError: (err) => logger.error({ err }, 'the intent service failed'),
  });
  logger.info({ address: `${host}:${server.port}` }, 'the intent service listens');
  await untilAskedToStop();
  await server.stop({ grace_ms: config.server.shutdown_grace_seconds * 1_000 });
}
