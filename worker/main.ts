/** `tsx worker/main.ts [interpreter] [code]`: a worker process; without arguments it does both. */
import { ConfigError, loadConfig, standaloneConfig, type StandaloneConfig } from '../src/config.ts';
import type { Connections } from '../src/process.ts';
import { untilAskedToStop } from '../src/lifecycle.ts';
import { connect, openProcess } from '../src/process.ts';
import type { RunningWorker } from './start.ts';

const START = {
  async interpreter({ base, temporal }: Connections): Promise<RunningWorker> {
    const { startInterpreterWorker } = await import('./start.ts');
    return startInterpreterWorker({ ...base, temporal });
  },
  async code({ base, temporal }: Connections): Promise<RunningWorker> {
    const [{ startCodeWorker }, { createAgentSandbox }] = await Promise.all([
      import('./start.ts'),
      import('../src/agent-sandbox.ts'),
    ]);
    const sandbox = await createAgentSandbox(base, process.env.PATH);
    // The embedded stack shows it under /capabilities.
    process.send?.({ sandbox: sandbox.report });
    return startCodeWorker({ ...base, temporal }, sandbox);
  },
};
type Role = keyof typeof START;

try {
  const roles = process.argv.slice(2);
  const unknown = roles.filter((role) => !(role in START));
  if (unknown.length > 0) {
    throw new ConfigError([`unknown role ${unknown.join(', ')}; there are ${Object.keys(START).join(', ')}`]);
  }
  const wanted = roles.length > 0 ? roles : Object.keys(START);
  await runWorker(standaloneConfig(loadConfig(process.env, process.cwd())), wanted as Role[]);
  process.exit(0);
} catch (error) {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

async function runWorker(config: StandaloneConfig, roles: Role[]): Promise<void> {
  const opened = await openProcess(config, { role: 'worker' });
  const connections = await connect(config, opened, {
    database_url: config.database.url.reveal(),
    temporal_address: config.temporal.host_port,
    eager: false,
  });
  const workers = await Promise.all(roles.map((role) => START[role](connections)));
  opened.logger.info({ roles }, 'the worker polls');
  // The embedded stack started us: without it there is nothing to work for.
  const orphaned = new Promise<void>((resolve) => process.once('disconnect', resolve));
  await Promise.race([untilAskedToStop(), orphaned, ...workers.map((worker) => worker.done)]);
  await connections.close(...workers.map((worker) => worker.stop));
}
