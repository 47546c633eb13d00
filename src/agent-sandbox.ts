import type { Base } from './container-store.ts';
import type { Sandbox } from './contract/sandbox.ts';
import { createSandbox } from './sandbox/sandbox.ts';

/** The sandbox of a code agent, as its configuration allows. Probes the host; takes about 0.2 s. */
export function createAgentSandbox(
  { config, logger }: Pick<Base, 'config' | 'logger'>,
  search_path: string | undefined,
): Promise<Sandbox> {
  const { sandbox: settings, telemetry, worker } = config;
  return createSandbox({
    unsafe_process: settings.unsafe_process,
    unsafe_process_in_production: settings.unsafe_process_in_production,
    environment: telemetry.environment === 'production' ? 'production' : 'development',
    cache_dir: settings.go_cache_dir,
    search_path,
    max_concurrency: worker.max_concurrent_code_tasks,
    log: (message, about) => logger.info(about, message),
  });
}
