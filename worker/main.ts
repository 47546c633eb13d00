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
  async code({ base, temporal }: Connections, onRestart: () => void): Promise<RunningWorker> {
    const [{ startAgent }, { createAgentSandbox }] = await Promise.all([
      import('./start.ts'),
      import('../src/agent-sandbox.ts'),
    ]);
    const sandbox = await createAgentSandbox(base, process.env.PATH);
    // The embedded stack shows it under /capabilities.
    process.send?.({ sandbox: sandbox.report });
    return startAgent({ ...base, temporal, onRestart }, sandbox);
  },
};
type Role = keyof typeof START;

/** EX_TEMPFAIL: whoever runs the process starts it again. */
const RESTART_STATUS = 75;

try {
  const roles = process.argv.slice(2);
  const unknown = roles.filter((role) => !(role in START));
  if (unknown.length > 0) {
    throw new ConfigError([`unknown role ${unknown.join(', ')}; there are ${Object.keys(START).join(', ')}`]);
  }
  const wanted = roles.length > 0 ? roles : Object.keys(START);
  process.exit(await runWorker(standaloneConfig(loadConfig(process.env, process.cwd())), wanted as Role[]));
} catch (error) {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** Answers the status to exit with. */
async function runWorker(config: StandaloneConfig, roles: Role[]): Promise<number> {
  const opened = await openProcess(config, { role: 'worker' });
  const connections = await connect(config, opened, {
    database_url: config.database.url.reveal(),
    temporal_address: config.temporal.host_port,
    eager: false,
  });
  let onRestart = () => {};
  const asked_to_restart = new Promise<number>((resolve) => (onRestart = () => resolve(RESTART_STATUS)));
  const workers = await Promise.all(roles.map((role) => START[role](connections, onRestart)));
  opened.logger.info({ roles }, 'the worker polls');
  // The embedded stack started us: without it there is nothing to work for.
  const orphaned = new Promise<void>((resolve) => process.once('disconnect', resolve));
  const over = [untilAskedToStop(), orphaned, ...workers.map((worker) => worker.done)];
  const status = await Promise.race([asked_to_restart, ...over.map((end) => end.then(() => 0))]);
  await connections.close(...workers.map((worker) => worker.stop));
  return status;
}
