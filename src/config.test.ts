import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { apiConfig, loadConfig, standaloneConfig, type ConfigError } from './config.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(path.join(os.tmpdir(), 'config-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const TOKEN = 'a-token-that-is-long-enough-for-this';
const URL_WITH_PASSWORD = 'postgres://user:hunter2@db:5432/x';
const file = (text: string, name = 'config.yaml') => writeFile(path.join(cwd, name), text);
const problemsOf = (env: Record<string, string>) => {
  try {
    loadConfig(env, cwd);
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
};

describe('the configuration', () => {
  it('has defaults for everything', () => {
    const config = loadConfig({}, cwd);
    expect(config.server).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      metrics_port: 9090,
      enable_metrics: true,
    });
    expect(config.temporal).toEqual({
      namespace: 'default',
      task_queue: 'orchestrator-task-queue',
      codec_origins: [],
    });
    expect(config.worker.code_task_queue).toBe('orchestrator-task-queue-code');
    expect(config.data_dir).toBe(path.join(cwd, '.orchestrator'));
    expect(config.limits).toMatchObject({
      body_bytes: 1_048_576,
      blob_bytes: 67_108_864,
      json_depth: 64,
      rate_burst: 1000,
    });
    expect(config.warnings).toEqual([]);
  });

  it('prefers the canonical variable to its alias, that to the file, and the file to the default', async () => {
    await file('server: { port: 1 }\ndatabase: { max_open_conns: 7 }');
    expect(loadConfig({}, cwd).server.port).toBe(1);
    expect(loadConfig({ PORT: '2' }, cwd).server.port).toBe(2);
    expect(loadConfig({ PORT: '2', ORCHESTRATOR_SERVER_PORT: '3' }, cwd).server.port).toBe(3);
    expect(loadConfig({ PORT: '' }, cwd).server.port).toBe(1);
    expect(loadConfig({}, cwd).database.max_open_conns).toBe(7);
  });

  it('knows whether a port was chosen', async () => {
    expect(loadConfig({}, cwd).server).toMatchObject({ port_explicit: false, metrics_port_explicit: false });
    expect(loadConfig({ SERVICE_PORT: '8080' }, cwd).server.port_explicit).toBe(true);
    await file('server: { metrics_port: 9090 }');
    expect(loadConfig({}, cwd).server).toMatchObject({ port_explicit: false, metrics_port_explicit: true });
  });

  it('takes the plain names', () => {
    const config = loadConfig(
      {
        DATABASE_URL: URL_WITH_PASSWORD,
        REDIS_ADDR: 'redis:6379',
        KAFKA_BROKERS: 'a:9092, b:9092',
        JWT_SECRET: TOKEN,
        SPEC_ENGINE_URL: 'http://spec:8000',
        TEMPORAL_ADDRESS: 'temporal:7233',
      },
      cwd,
    );
    expect(config.database.url?.reveal()).toBe(URL_WITH_PASSWORD);
    expect(config.kafka.brokers).toEqual(['a:9092', 'b:9092']);
    expect(config.auth.jwt_secret?.reveal()).toBe(TOKEN);
    expect([config.redis.addr, config.spec_engine.url, config.temporal.host_port]).toEqual([
      'redis:6379',
      'http://spec:8000',
      'temporal:7233',
    ]);
  });

  it('makes a database URL of its parts, unless there is one', () => {
    const parts = { DB_HOST: 'db', DB_PORT: '5433', DB_NAME: 'main', DB_USER: 'me', DB_PASSWORD: 'a b' };
    expect(loadConfig(parts, cwd).database.url?.reveal()).toBe('postgres://me:a%20b@db:5433/main');
    expect(loadConfig({ ...parts, DATABASE_URL: URL_WITH_PASSWORD }, cwd).database.url?.reveal()).toBe(
      URL_WITH_PASSWORD,
    );
  });

  it('reads a file of the shape of the seeds, and the one that is named', async () => {
    const text =
      'server: {port: 80, host: 0.0.0.0}\ndatabase: {max_idle_conns: 5}\nredis: {addr: "localhost:6379", db: 0}\n';
    await file(
      `${text}telemetry: {enabled: true, jaeger: {collector_endpoint: "http://localhost:14268/api/traces"}}`,
      'other.yaml',
    );
    const config = loadConfig({ ORCHESTRATOR_CONFIG: 'other.yaml' }, cwd);
    expect(config.server.host).toBe('0.0.0.0');
    expect(config.telemetry.otlp_endpoint).toBe('http://localhost:4318');
    expect(config.warnings).toHaveLength(2);
  });

  it('maps a Jaeger collector to OTLP wherever it is named', () => {
    const config = loadConfig(
      { ORCHESTRATOR_TELEMETRY_OTLP_ENDPOINT: 'http://jaeger:14268/api/traces' },
      cwd,
    );
    expect(config.telemetry.otlp_endpoint).toBe('http://jaeger:4318');
    expect(config.warnings).toEqual([expect.stringContaining('OTLP')]);
  });

  it('warns of a variable it does not know, but not of those of Kubernetes', () => {
    const env = {
      ORCHESTRATOR_SERVR_PORT: '1',
      ORCHESTRATOR_PORT_8080_TCP: 'tcp://1',
      ORCHESTRATOR_SERVICE_HOST: '1',
    };
    expect(loadConfig(env, cwd).warnings).toEqual(['ORCHESTRATOR_SERVR_PORT is not a setting']);
  });
});

describe('a wrong configuration', () => {
  it('is reported with every problem at once, each with its origin', async () => {
    await file('server: { prot: 1 }\nlimits: { nodes: many }\ncolour: red');
    const problems = problemsOf({
      PORT: 'eighty',
      ORCHESTRATOR_AUTH_API_TOKEN: 'short',
      DATABASE_URL: 'mysql://x',
    });
    expect(problems).toHaveLength(6);
    expect(problems).toEqual(
      expect.arrayContaining([
        'PORT (server.port): must be a whole number',
        'server.prot is not a setting',
        'colour is not a setting',
        'limits.nodes: must be a whole number',
        'ORCHESTRATOR_AUTH_API_TOKEN (auth.api_token): must have at least 32 characters',
        'DATABASE_URL (database.url): must be a postgres:// URL',
      ]),
    );
  });

  it.each([
    [{ ORCHESTRATOR_CONFIG: 'absent.yaml' }, /there is no .*absent\.yaml/],
    [{ PORT: '65536' }, /PORT/],
    [{ PORT: '-1' }, /PORT/],
    [{ ORCHESTRATOR_TELEMETRY_ENABLED: 'maybe' }, /true or false/],
    [{ TEMPORAL_ADDRESS: 'temporal' }, /host:port/],
    [{ SPEC_ENGINE_URL: 'ftp://x' }, /http or https/],
    [{ DB_HOST: 'db', DB_PORT: 'x' }, /DB_PORT/],
  ])('is refused: %j', (env, problem) => {
    expect(problemsOf(env as Record<string, string>).join()).toMatch(problem);
  });

  it.each(['- a list', 'server: [1]', 'a: {', 'server: 5'])('is refused as a file: %s', async (text) => {
    await file(text);
    expect(problemsOf({})).toHaveLength(1);
  });

  it('does not repeat a secret in its message', () => {
    expect(
      problemsOf({ ORCHESTRATOR_AUTH_API_TOKEN: 'hunter2', DATABASE_URL: 'hunter2' }).join(),
    ).not.toContain('hunter2');
  });
});

describe('further tokens', () => {
  const entry = { name: 'ci', token: TOKEN, role: 'editor' };
  const withTokens = (tokens: unknown, more: Record<string, string> = {}) => ({
    ORCHESTRATOR_AUTH_TOKENS: typeof tokens === 'string' ? tokens : JSON.stringify(tokens),
    ...more,
  });

  it('are a list in the file, or JSON in the environment', async () => {
    expect(loadConfig({}, cwd).auth.tokens).toEqual([]);
    await file(`auth: { tokens: [{ name: ci, token: ${TOKEN}, role: viewer }] }`);
    expect(loadConfig({}, cwd).auth.tokens).toMatchObject([{ name: 'ci', role: 'viewer', permissions: [] }]);
    const projects = ['00000000-0000-7000-8000-00000000000A'];
    const { tokens } = loadConfig(
      withTokens([{ ...entry, projects, permissions: ['tag:break_glass'] }]),
      cwd,
    ).auth;
    expect(tokens).toMatchObject([{ role: 'editor', projects: [projects[0]!.toLowerCase()] }]);
    expect(tokens[0]).toMatchObject({ permissions: ['tag:break_glass'] });
    expect(tokens[0]!.token.reveal()).toBe(TOKEN);
    expect(JSON.stringify(tokens)).not.toContain(TOKEN);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ['no list', withTokens('{}'), ['auth.tokens']],
    ['no JSON', withTokens(TOKEN), ['auth.tokens']],
    ['no entry', withTokens([TOKEN]), ['auth.tokens.0']],
    [
      'all that is wrong with one',
      withTokens([{ name: 'a b', token: 'short', role: 'king', projects: ['x'], permissions: ['all'] }]),
      ['name', 'token', 'role', 'projects.0', 'permissions.0'].map((key) => `auth.tokens.0.${key}`),
    ],
    [
      'a token that no header can carry',
      withTokens([{ ...entry, token: `${TOKEN} x` }]),
      ['auth.tokens.0.token'],
    ],
    ['the name of the administrator', withTokens([{ ...entry, name: 'admin' }]), ['auth.tokens.0.name']],
    [
      'a name and a token of another',
      withTokens([entry, entry]),
      ['auth.tokens.1.name', 'auth.tokens.1.token'],
    ],
    [
      'the token of the administrator',
      withTokens([entry], { ORCHESTRATOR_API_TOKEN: TOKEN }),
      ['auth.tokens.0.token'],
    ],
  ])('are refused with %s, which is not repeated', (_, env, keys) => {
    const problems = problemsOf(env);
    expect(problems.map((problem) => /^ORCHESTRATOR_AUTH_TOKENS \((\S+)\): /.exec(problem)?.[1])).toEqual(
      keys,
    );
    expect(problems.join()).not.toContain(TOKEN);
  });
});

describe('secrets', () => {
  it('print as stars everywhere', () => {
    const config = loadConfig({ DATABASE_URL: URL_WITH_PASSWORD, ORCHESTRATOR_API_TOKEN: TOKEN }, cwd);
    for (const shown of [
      JSON.stringify(config),
      inspect(config, { depth: 9 }),
      String(config.auth.api_token),
    ]) {
      expect(shown).toContain('***');
      expect(shown).not.toMatch(/hunter2|a-token/);
    }
  });
});

describe('the frozen configuration', () => {
  it('cannot be changed at any depth', () => {
    const config = loadConfig({}, cwd);
    expect(() => Object.assign(config.server, { port: 1 })).toThrow(TypeError);
    expect(() => config.kafka.brokers.push('x')).toThrow(TypeError);
    expect(loadConfig({}, cwd).kafka.brokers).toEqual([]);
  });
});

describe('outside the embedded stack', () => {
  it('database, Temporal and token are needed, and all that lack are named', () => {
    expect(() => standaloneConfig(loadConfig({}, cwd))).toThrow(
      /DATABASE_URL[\s\S]*HOST_PORT[\s\S]*API_TOKEN/,
    );
    const env = {
      DATABASE_URL: URL_WITH_PASSWORD,
      TEMPORAL_ADDRESS: 't:7233',
      ORCHESTRATOR_API_TOKEN: TOKEN,
    };
    expect(standaloneConfig(loadConfig(env, cwd)).auth.api_token.reveal()).toBe(TOKEN);
    expect(() => apiConfig(loadConfig(env, cwd))).toThrow(
      /^[^_]*\n {2}- ORCHESTRATOR_AUTH_JWT_SECRET [^\n]*$/,
    );
    const whole = { ...env, JWT_SECRET: TOKEN };
    expect(apiConfig(loadConfig(whole, cwd)).auth.jwt_secret.reveal()).toBe(TOKEN);
  });

  it('a secret that is too short is no secret', () => {
    expect(() => loadConfig({ JWT_SECRET: 'short' }, cwd)).toThrow('must have at least 32 characters');
    expect(() => loadConfig({ ORCHESTRATOR_AUTH_ADMIN_PASSWORD: 'short' }, cwd)).toThrow(
      'must have at least 12 characters',
    );
  });
});

describe('deployments', () => {
  const deployments = (env: Record<string, string>) => loadConfig(env, cwd).deployments;
  const production = { ORCHESTRATOR_TELEMETRY_ENVIRONMENT: 'production' };
  const run_commands = 'ORCHESTRATOR_DEPLOYMENTS_RUN_COMMANDS';

  it('run programs here unless this is production, or as they are told', () => {
    expect(deployments({}).run_commands).toBe(true);
    expect(deployments({ [run_commands]: 'no' }).run_commands).toBe(false);
    expect(deployments(production).run_commands).toBe(false);
    expect(deployments({ ...production, [run_commands]: 'yes' }).run_commands).toBe(true);
  });

  it('are kept under the data directory unless another is named', () => {
    expect(deployments({}).directory).toBe(path.join(cwd, '.orchestrator', 'deployments'));
    expect(deployments({ ORCHESTRATOR_DEPLOYMENTS_DIRECTORY: 'there' }).directory).toBe(
      path.join(cwd, 'there'),
    );
  });
});

describe('the object store', () => {
  it('is the database; its directories are under the data directory unless they are named', () => {
    expect(loadConfig({}, cwd).store).toMatchObject({
      object_store: 'postgres',
      object_directory: path.join(cwd, '.orchestrator', 'objects'),
      spool_directory: path.join(cwd, '.orchestrator', 'spool'),
      s3_force_path_style: false,
    });
    expect(loadConfig({ ORCHESTRATOR_STORE_OBJECT_DIRECTORY: 'big' }, cwd).store.object_directory).toBe(
      path.join(cwd, 'big'),
    );
  });

  it('puts the bucket into the path of a server that is named, unless told otherwise', () => {
    const env = { ORCHESTRATOR_STORE_S3_ENDPOINT: 'http://localhost:9000' };
    expect(loadConfig(env, cwd).store.s3_force_path_style).toBe(true);
    const told = { ...env, ORCHESTRATOR_STORE_S3_FORCE_PATH_STYLE: 'false' };
    expect(loadConfig(told, cwd).store.s3_force_path_style).toBe(false);
  });

  it('says what it lacks', () => {
    expect(
      problemsOf({ ORCHESTRATOR_STORE_OBJECT_STORE: 's3', ORCHESTRATOR_STORE_S3_ACCESS_KEY_ID: 'k' }),
    ).toEqual([
      'store.s3_bucket: is needed by the object store s3',
      'store.s3_secret_access_key: must come with s3_access_key_id',
    ]);
    expect(problemsOf({ ORCHESTRATOR_STORE_S3_SECRET_ACCESS_KEY: 's' })).toEqual([
      'store.s3_access_key_id: must come with s3_secret_access_key',
    ]);
    expect(problemsOf({ ORCHESTRATOR_STORE_OBJECT_STORE: 'tape' })).toHaveLength(1);
  });
});
