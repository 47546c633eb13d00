import { serveSpecEngine } from './clients/spec-engine/server.ts';
import type { Config } from './config.ts';
import { createRefiner } from './container-spec-engine.ts';
import { untilAskedToStop } from './lifecycle.ts';
import { createLogger } from './log.ts';

/** The Spec Engine as a process of its own: what other installations of the product ask (docs/spec-engine.md). */
export async function runSpecEngine(config: Config): Promise<void> {
  const { log_level: level, service_name } = config.telemetry;
  const { listen, token, work_seconds } = config.spec_engine;
  const logger = createLogger({ level, service_name });
  const refiner = createRefiner({ config });
  const server = await serveSpecEngine({
    refiner,
    address: listen,
    token: token?.reveal(),
    work_ms: work_seconds * 1_000,
    onError: (err) => logger.error({ err }, 'the Spec Engine failed'),
  });
  const address = listen.replace(/:\d+$/, `:${server.port}`);
  logger.info({ address, engine: refiner.engine }, 'the Spec Engine listens');
  await untilAskedToStop();
  await server.stop({ grace_ms: config.server.shutdown_grace_seconds * 1_000 });
}
