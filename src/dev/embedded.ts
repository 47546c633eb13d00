import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../config.ts';
import { secret } from '../config-secret.ts';
import { untilAskedToStop } from '../lifecycle.ts';
import { migrate } from '../persistence/migrate.ts';
import { connect, openProcess, temporalOf } from '../process.ts';
import { startAgentProcess, type AgentProcess } from './agent-process.ts';
import { readIfThere, writeAtomic } from './atomic-file.ts';
import { writeDevFile } from './dev-file.ts';
import { choosePort } from './ports.ts';
import { startServices, type Services } from './stack.ts';
import { welcome } from './welcome.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);

/**
 * The whole product in one go: PostgreSQL and Temporal where none is given, API and interpreter in this process on one
 * connection, the code agent as a child. Returns when it was asked to stop and everything has.
 */
export async function runStack(given: Config): Promise<void> {
  const asked = untilAskedToStop();
  await makeHome(given.data_dir);
  const opened = await openProcess(given, {
    role: '',
    log_file: path.join(given.data_dir, 'logs', 'orchestrator.log'),
  });
  // Loading these takes as long as starting the servers does.
  const modules = Promise.all([import('../serve.ts'), import('../../worker/start.ts')]);
  const services = await startServices({
    database_url: given.database.url?.reveal(),
    temporal_address: given.temporal.host_port,
    log: say,
  });
  const { database_url, temporal_address, data_dir } = services;
  await migrate(database_url);
  const config = await withSecretsKey(given, data_dir);
  const access = await accessOf(config, data_dir);
  const { base, temporal, close } = await connect(config, opened, {
    database_url,
    temporal_address,
    eager: true,
  });
  const [{ serveApi }, { startInterpreterWorker }] = await modules;
  const [agent, worker] = await Promise.all([
    startAgentProcess({ env: agentEnvironment(services, access.token, config), data_dir, log: say }),
    startInterpreterWorker({ ...base, config: unversioned(config), temporal }),
  ]);
  const api = await serveApi({
    ...base,
    config: { ...config, server: { ...config.server, port: await apiPort(config) } },
    ...temporalOf(temporal),
    database_url,
    ...access,
    tracing: opened.telemetry.tracing !== undefined,
    sandbox: agent.report,
  });
  const { admin_email } = config.auth;
  const { metrics_port } = opened.telemetry;
  const { token, admin_password } = access;
  await tell({ services, token, admin_email, admin_password, api_url: api.url, metrics_port, agent });
  const reason = await Promise.race([asked, worker.done.then(() => 'the worker ended')]);
  say(`\nStopping (${reason}) …`);
  await close(api.stop, worker.stop, agent.stop);
  await services.stop();
  say('Stopped. Everything is kept; `npm start` goes on with it.');
}

/** What lets people in: as it is configured, else made once. */
const accessOf = async ({ auth }: Config, data_dir: string) => ({
  token: auth.api_token?.reveal() ?? (await keptText(data_dir, 'token')),
  jwt_secret: auth.jwt_secret?.reveal() ?? (await keptText(data_dir, 'jwt-secret')),
  admin_password: auth.admin_password?.reveal() ?? (await keptText(data_dir, 'admin-password')),
});

/** Without a key of its own it has one that is kept beside what it seals. */
async function withSecretsKey(config: Config, data_dir: string): Promise<Config> {
  const key = config.secrets.key ?? secret(await keptText(data_dir, 'secrets-key'));
  return { ...config, secrets: { ...config.secrets, key } };
}

/** Its only worker is replaced in place, and takes up every run there is. */
const unversioned = (config: Config): Config => ({
  ...config,
  worker: { ...config.worker, versioning: false },
});

/** 711: PostgreSQL's account passes through the data directory, nobody lists it. Logs are ours alone. */
async function makeHome(data_dir: string): Promise<void> {
  await mkdir(data_dir, { recursive: true, mode: 0o711 });
  await mkdir(path.join(data_dir, 'logs'), { recursive: true, mode: 0o700 });
}

interface Told {
  services: Services;
  token: string;
  admin_email: string;
  admin_password: string;
  api_url: string;
  metrics_port: number | undefined;
  agent: AgentProcess;
}

/** Writes `dev.json` and prints where everything is. */
async function tell({ services, metrics_port, agent, ...access }: Told): Promise<void> {
  const { data_dir, database_url, temporal_address, temporal_ui_url } = services;
  const metrics_url = metrics_port === undefined ? '' : `http://127.0.0.1:${metrics_port}/metrics`;
  const dev_file = { ...access, temporal_address, temporal_ui_url, database_url, metrics_url };
  await writeDevFile(data_dir, dev_file);
  say(welcome(dev_file, { data_dir, sandbox: agent.report() }));
}

/** Made once and kept, so that what uses it still works after a restart. Only for who has the data directory to itself. */
async function keptText(
  data_dir: string,
  name: 'token' | 'secrets-key' | 'jwt-secret' | 'admin-password',
): Promise<string> {
  const file = path.join(data_dir, name);
  const kept = (await readIfThere(file))?.trim();
  if (kept) return kept;
  const made = randomBytes(32).toString('base64url');
  await writeAtomic(file, `${made}\n`, 0o600);
  return made;
}

function apiPort({ server }: Config): Promise<number> {
  return choosePort({
    purpose: 'the API',
    host: server.host,
    ...(server.port_explicit ? { explicit: server.port } : {}),
    preferred: [server.port],
    setting: 'ORCHESTRATOR_SERVER_PORT',
  });
}

/** The agent is told where everything is; it serves nothing itself. */
function agentEnvironment(
  { database_url, temporal_address }: Services,
  token: string,
  { secrets }: Config,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ORCHESTRATOR_DATABASE_URL: database_url,
    ORCHESTRATOR_TEMPORAL_HOST_PORT: temporal_address,
    ORCHESTRATOR_AUTH_API_TOKEN: token,
    ORCHESTRATOR_SECRETS_KEY: secrets.key?.reveal(),
    ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false',
  };
}
