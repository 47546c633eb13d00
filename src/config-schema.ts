import { z } from 'zod';
import {
  address,
  databaseUrl,
  flag,
  httpUrl,
  integer,
  list,
  secretText,
  word,
  type FieldMeta,
} from './config-fields.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const MANY = 1_000_000;
const port = integer(0, 65_535);

/** Attaches what the environment reader and the docs need to know. */
function field<S extends z.ZodType>(schema: S, about: string, more: Omit<FieldMeta, 'about'> = {}): S {
  return schema.meta({ about, ...more });
}

/** A section of the file; a section that is missing has all its defaults. */
function section<S extends z.ZodRawShape>(shape: S) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape, { error: sectionMessage }));
}

const sectionMessage: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' ? 'must be a mapping of settings' : undefined;

/** Every setting there is. The environment name of `a.b` is `ORCHESTRATOR_A_B`. */
export const configSchema = section({
  server: section({
    host: field(word.default('127.0.0.1'), 'Address the API listens on.'),
    port: field(port.default(8080), 'Port of the API; 0 is any free one.', {
      aliases: ['PORT', 'SERVICE_PORT'],
    }),
    enable_metrics: field(flag.default(true), 'Serve Prometheus metrics.'),
    metrics_port: field(port.default(9090), 'Port of the metrics; 0 is any free one.'),
    shutdown_grace_seconds: field(
      integer(0, 3600).default(10),
      'How long requests and steps under way may take to end at a stop.',
    ),
  }),
  database: section({
    url: field(databaseUrl.optional(), 'PostgreSQL to use; without it the embedded one is started.', {
      aliases: ['DATABASE_URL'],
      secret: true,
    }),
    max_open_conns: field(integer(1, 1000).default(25), 'Size of the connection pool.'),
    max_idle_conns: field(integer(0, 1000).optional(), 'Accepted from older files; has no effect.'),
  }),
  temporal: section({
    host_port: field(address.optional(), 'Temporal to use; without it the embedded one is started.', {
      aliases: ['TEMPORAL_ADDRESS'],
    }),
    namespace: field(word.default('default'), 'Temporal namespace.'),
    task_queue: field(
      word.default('orchestrator-task-queue'),
      'Task queue of the workflows and light activities.',
    ),
  }),
  redis: section({
    addr: field(address.optional(), 'Redis to use for fan-out between processes.', {
      aliases: ['REDIS_ADDR'],
    }),
    db: field(integer(0, 1000).default(0), 'Redis database number.'),
  }),
  kafka: section({
    brokers: field(list.default([]), 'Kafka brokers events are sent to.', { aliases: ['KAFKA_BROKERS'] }),
  }),
  intent_api: section({
    address: field(address.optional(), 'gRPC intent service; without it the embedded default answers.'),
  }),
  agent_manager: section({
    base_url: field(httpUrl.optional(), 'Agent manager to use.'),
  }),
  spec_engine: section({
    url: field(httpUrl.optional(), 'Spec Engine to use for refinements.', { aliases: ['SPEC_ENGINE_URL'] }),
  }),
  telemetry: section({
    enabled: field(flag.default(true), 'Export traces when an endpoint is set.'),
    service_name: field(word.default('orchestrator'), 'Service name in traces and logs.'),
    environment: field(word.default('development'), 'Deployment environment in traces.'),
    otlp_endpoint: field(httpUrl.optional(), 'OTLP/HTTP collector, such as http://localhost:4318.', {
      aliases: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    }),
    log_level: field(
      z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
      'Least severe log level.',
    ),
    jaeger: section({
      collector_endpoint: field(
        httpUrl.optional(),
        'Jaeger collector; mapped to the OTLP port of the same host.',
      ),
    }),
  }),
  auth: section({
    api_token: field(
      secretText(32).optional(),
      'Bearer token of the administrator; the embedded stack makes one.',
      {
        aliases: ['ORCHESTRATOR_API_TOKEN'],
        secret: true,
      },
    ),
    jwt_secret: field(secretText(32).optional(), 'Reserved for signed-in sessions; not used yet.', {
      aliases: ['JWT_SECRET'],
      secret: true,
    }),
  }),
  limits: section({
    body_bytes: field(integer(1, 64 * MIB).default(MIB), 'Largest JSON body.'),
    blob_bytes: field(integer(1, 1024 * MIB).default(64 * MIB), 'Largest blob.'),
    heartbeat_bytes: field(integer(1, MIB).default(32 * KIB), 'Largest heartbeat body.'),
    json_depth: field(integer(1, 1000).default(64), 'Deepest nesting of a JSON body.'),
    patch_operations: field(integer(1, 100_000).default(1000), 'Operations in one JSON Patch.'),
    nodes: field(integer(1, 100_000).default(500), 'Nodes in one definition.'),
    chain: field(integer(1, 100_000).default(1000), 'Patches on one base.'),
    input_bytes: field(integer(1, 64 * MIB).default(MIB), 'Largest input of a run.'),
    inline_value_bytes: field(integer(1, 128 * KIB).default(32 * KIB), 'Larger values travel by reference.'),
    rate_per_second: field(integer(1, MANY).default(100), 'Requests per second and principal.'),
    rate_burst: field(integer(1, MANY).default(1000), 'Requests a principal may make at once after a rest.'),
  }),
  http_node: section({
    allow_hosts: field(
      list.default([]),
      'Hosts and CIDR ranges that http nodes may call although they are private.',
    ),
  }),
  sandbox: section({
    unsafe_process: field(flag.default(false), 'Run code without isolation when no sandbox works.'),
    unsafe_process_in_production: field(
      flag.default(false),
      'The second flag that unsafe_process needs in production.',
    ),
    go_cache_dir: field(word.optional(), 'Prepared Go build cache.', {
      default_text: '`<data_dir>/go-cache`',
    }),
  }),
  worker: section({
    max_cached_workflows: field(
      integer(0, 100_000).default(500),
      'Workflows kept in memory between their tasks.',
    ),
    max_concurrent_workflow_tasks: field(integer(2, 10_000).default(200), 'Workflow tasks at once.'),
    max_concurrent_activities: field(integer(1, 10_000).default(100), 'Light activities at once.'),
    max_concurrent_local_activities: field(integer(1, 10_000).default(100), 'Local activities at once.'),
    max_concurrent_code_tasks: field(integer(1, 1000).optional(), 'Sandboxed programs at once.', {
      default_text: 'number of cores',
    }),
    code_task_queue: field(word.optional(), 'Task queue of the code agents.', {
      default_text: '`<temporal.task_queue>-code`',
    }),
  }),
  runs: section({
    continue_as_new_after_events: field(
      integer(100, 10_000).default(8000),
      'History events before a run continues as new.',
    ),
    sweep_interval_seconds: field(
      integer(1, 3600).default(5),
      'How often unfinished starts and commands are looked for.',
    ),
    reconcile_interval_seconds: field(
      integer(1, 86_400).default(60),
      'Reserved for the reconciler; not used yet.',
    ),
  }),
  data_dir: field(word.default('.orchestrator'), 'Where the embedded stack keeps its data.'),
  setup: field(
    z.enum(['auto', 'none']).default('auto'),
    'Whether system packages may be installed when missing.',
  ),
});

export type Settings = z.output<typeof configSchema>;
