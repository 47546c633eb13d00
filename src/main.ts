/** `tsx src/main.ts <stack|api|intent-service|spec-engine|migrate|warm-go>`: the processes of the product, the worker (worker/main.ts) aside. */
import { apiConfig, ConfigError, loadConfig, standaloneConfig, type Config } from './config.ts';

const COMMANDS: Readonly<Record<string, (config: Config) => Promise<void>>> = {
  async stack(config) {
    const { runStack } = await import('./dev/embedded.ts');
    await runStack(config);
  },
  async api(config) {
    const { runApi } = await import('./api-process.ts');
    await runApi(apiConfig(config));
  },
  async 'warm-go'(config) {
    const { warmGoCache } = await import('./sandbox/go-cache.ts');
    await warmGoCache(config.sandbox.go_cache_dir);
  },
  async 'intent-service'(config) {
    const { runIntentService } = await import('./intent-service.ts');
    await runIntentService(config);
  },
  async 'spec-engine'(config) {
    const { runSpecEngine } = await import('./spec-engine-service.ts');
    await runSpecEngine(config);
  },
  async migrate(config) {
    const { migrate } = await import('./persistence/migrate.ts');
    await migrate(standaloneConfig(config).database.url.reveal());
  },
};

const command = COMMANDS[process.argv[2] ?? ''];
if (!command) fail(`usage: main.ts <${Object.keys(COMMANDS).join('|')}>`);
try {
  await command(loadConfig(process.env, process.cwd()));
  process.exit(0);
} catch (error) {
  // What the user can mend is said plainly; anything else keeps its stack.
  fail(error instanceof ConfigError ? error.message : error);
}

function fail(reason: unknown): never {
  process.stderr.write(`${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`);
  process.exit(1);
}
