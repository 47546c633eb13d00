import path from 'node:path';
import { type AdvisoryPlace, advisoryPlace } from './config-advisories.ts';
import { runsCommands } from './config-deployments.ts';
import { configSchema, type Settings } from './config-schema.ts';
import type { Secret } from './config-secret.ts';
import { isChosen, readSource, type Env, type Source } from './config-source.ts';

export type { Secret } from './config-secret.ts';

/** All settings with defaults filled in, deeply frozen. Secrets print `***`. */
export interface Config extends Settings {
  server: Settings['server'] & { port_explicit: boolean; metrics_port_explicit: boolean };
  worker: Settings['worker'] & { code_task_queue: string };
  sandbox: Settings['sandbox'] & { go_cache_dir: string };
  store: Settings['store'] & {
    object_directory: string;
    spool_directory: string;
    s3_force_path_style: boolean;
  };
  /** `search_path` is the `PATH` that the process was started with. */
  analysis: Settings['analysis'] & { search_path: string; advisory_place: AdvisoryPlace | undefined };
  deployments: Settings['deployments'] & { run_commands: boolean; directory: string };
  /** What was accepted but deserves a look; to be logged once at start. */
  warnings: readonly string[];
}

/** A configuration that can serve without the embedded stack. */
export interface StandaloneConfig extends Config {
  database: Config['database'] & { url: Secret };
  temporal: Config['temporal'] & { host_port: string };
  auth: Config['auth'] & { api_token: Secret };
}

/** The same, of a process that lets people sign in. */
export interface ApiConfig extends StandaloneConfig {
  auth: StandaloneConfig['auth'] & { jwt_secret: Secret };
}

/** Every problem of the configuration in one message. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads the configuration: environment over `config.yaml` (or the file `ORCHESTRATOR_CONFIG` names) over defaults.
 * Only place of the product that sees the environment; it changes nothing. Throws `ConfigError`.
 */
export function loadConfig(env: Env, cwd: string): Config {
  const source = readSource(env, cwd);
  const parsed = configSchema.safeParse(source.tree);
  const problems = [
    ...source.problems,
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => describe(issue, source))),
  ];
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return deepFreeze(complete(parsed.data, source, { cwd, search_path: env.PATH ?? '' }));
}

/** The same configuration, once it is certain that nothing embedded has to stand in. Throws `ConfigError`. */
export function standaloneConfig(config: Config): StandaloneConfig {
  refuseWithout(needsOf(config));
  return config as StandaloneConfig;
}

/** The same for the API, which also signs tokens. Throws `ConfigError`. */
export function apiConfig(config: Config): ApiConfig {
  refuseWithout([
    ...needsOf(config),
    ['ORCHESTRATOR_AUTH_JWT_SECRET (auth.jwt_secret)', config.auth.jwt_secret],
  ]);
  return config as ApiConfig;
}

type Need = readonly [setting: string, value: unknown];

const needsOf = ({ database, temporal, auth }: Config): Need[] => [
  ['ORCHESTRATOR_DATABASE_URL (database.url)', database.url],
  ['ORCHESTRATOR_TEMPORAL_HOST_PORT (temporal.host_port)', temporal.host_port],
  ['ORCHESTRATOR_AUTH_API_TOKEN (auth.api_token)', auth.api_token],
];

function refuseWithout(needs: readonly Need[]): void {
  const missing = needs.filter(([, value]) => value === undefined);
  const lines = missing.map(([setting]) => `${setting} is needed outside the embedded stack`);
  if (lines.length > 0) throw new ConfigError(lines);
}

function describe(
  issue: { path: PropertyKey[]; message: string; code?: string; keys?: string[] },
  source: Source,
): string[] {
  const key = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((name) => `${key === '' ? name : `${key}.${name}`} is not a setting`);
  }
  const origin = source.origins.get(key.replace(/\.\d+(\..*)?$/, ''));
  return [`${origin === undefined ? key : `${origin} (${key})`}: ${issue.message}`];
}

function complete(
  settings: Settings,
  source: Source,
  { cwd, search_path }: { cwd: string; search_path: string },
): Config {
  const data_dir = path.resolve(cwd, settings.data_dir);
  const go_cache_dir = path.resolve(cwd, settings.sandbox.go_cache_dir ?? path.join(data_dir, 'go-cache'));
  const { store } = settings;
  const warnings = [...source.warnings];
  if (settings.database.max_idle_conns !== undefined) warnings.push('database.max_idle_conns has no effect');
  if (isOpenToChange(settings.auth.oidc.issuer))
    warnings.push('auth.oidc.issuer is http: who can change the traffic to it can come in as anybody');
  return {
    ...settings,
    data_dir,
    server: {
      ...settings.server,
      port_explicit: isChosen(source, 'server.port'),
      metrics_port_explicit: isChosen(source, 'server.metrics_port'),
    },
    telemetry: { ...settings.telemetry, otlp_endpoint: otlpEndpoint(settings.telemetry, warnings) },
    worker: {
      ...settings.worker,
      code_task_queue: settings.worker.code_task_queue ?? `${settings.temporal.task_queue}-code`,
    },
    sandbox: { ...settings.sandbox, go_cache_dir },
    store: {
      ...store,
      object_directory: path.resolve(cwd, store.object_directory ?? path.join(data_dir, 'objects')),
      spool_directory: path.resolve(cwd, store.spool_directory ?? path.join(data_dir, 'spool')),
      s3_force_path_style: store.s3_force_path_style ?? store.s3_endpoint !== undefined,
    },
    analysis: {
      ...settings.analysis,
      search_path,
      advisory_place: advisoryPlace(settings.analysis.advisories, cwd),
    },
    deployments: {
      ...settings.deployments,
      run_commands: runsCommands(settings),
      directory: path.resolve(cwd, settings.deployments.directory ?? path.join(data_dir, 'deployments')),
    },
    warnings,
  };
}

/** Reached over a network without TLS. */
function isOpenToChange(address = 'https://'): boolean {
  if (!address.startsWith('http:')) return false;
  return !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(address).hostname);
}

/** Jaeger takes OTLP itself since 1.35, on another port than its own collector protocol. */
function otlpEndpoint(telemetry: Settings['telemetry'], warnings: string[]): string | undefined {
  const { otlp_endpoint, jaeger } = telemetry;
  const given_endpoint = otlp_endpoint ?? jaeger.collector_endpoint;
  if (given_endpoint === undefined) return undefined;
  const url = new URL(given_endpoint);
  const is_jaeger = url.port === '14268' || url.pathname.replace(/\/$/, '') === '/api/traces';
  if (!is_jaeger) return given_endpoint;
  const mapped = `${url.protocol}//${url.hostname}:4318`;
  warnings.push(`${given_endpoint} speaks the retired Jaeger protocol; traces go to OTLP at ${mapped}`);
  return mapped;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
