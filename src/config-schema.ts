import { z } from 'zod';
import {
  address,
  databaseUrl,
  field,
  flag,
  httpUrl,
  integer,
  list,
  secretText,
  section,
  word,
} from './config-fields.ts';
import { events, kafka, redis, webhooks } from './config-events.ts';
import { agent_manager } from './config-agents.ts';
import { agent_tasks, external_runs } from './config-external.ts';
import { refuseHalfAStore } from './config-store.ts';
import { code_host } from './config-code-hosts.ts';
import { intents, llm } from './config-intents.ts';
import { analysis } from './config-analysis.ts';
import { deployments } from './config-deployments.ts';
import { quotas, rate_share_interval_ms } from './config-limits.ts';
import { repositories } from './config-repositories.ts';
import { spec_engine } from './config-spec-engine.ts';
import { secrets } from './config-secrets.ts';
import { temporal } from './config-temporal.ts';
import { audit } from './config-audit.ts';
import { auth } from './config-auth.ts';
import { worker } from './config-worker.ts';
import { hooks, triggers } from './config-triggers.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const MANY = 1_000_000;
const DAY_SECONDS = 86_400;
const MANY_SECONDS = 36_500 * DAY_SECONDS;
const MANY_HOURS = 24 * 366;
const port = integer(0, 65_535);

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
  temporal,
  events,
  webhooks,
  triggers,
  hooks,
  secrets,
  redis,
  kafka,
  intent_api: section({
    address: field(address.optional(), 'gRPC intent service; without it the embedded default answers.'),
  }),
  agent_manager,
  spec_engine,
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
  auth,
  limits: section({
    body_bytes: field(integer(1, 64 * MIB).default(MIB), 'Largest JSON body.'),
    blob_bytes: field(integer(1, 1024 * MIB).default(64 * MIB), 'Largest blob.'),
    bundle_bytes: field(integer(1, MANY * MIB).default(1024 * MIB), 'Largest bundle.'),
    bundle_artifacts: field(integer(1, MANY).default(50_000), 'Versions in one bundle.'),
    heartbeat_bytes: field(integer(1, MIB).default(32 * KIB), 'Largest heartbeat body.'),
    json_depth: field(integer(1, 1000).default(64), 'Deepest nesting of a JSON body.'),
    patch_operations: field(integer(1, 100_000).default(1000), 'Operations in one JSON Patch.'),
    nodes: field(integer(1, 100_000).default(500), 'Nodes in one definition.'),
    chain: field(integer(1, 100_000).default(1000), 'Patches on one base.'),
    input_bytes: field(integer(1, 64 * MIB).default(MIB), 'Largest input of a run.'),
    inline_value_bytes: field(integer(1, 128 * KIB).default(32 * KIB), 'Larger values travel by reference.'),
    rate_per_second: field(integer(1, MANY).default(100), 'Requests per second and principal.'),
    rate_burst: field(integer(1, MANY).default(1000), 'Requests a principal may make at once after a rest.'),
    rate_share_interval_ms,
  }),
  quotas,
  store: section({
    compact_after_patches: field(
      integer(1, 100_000).optional(),
      'Patches on one base before the next one is put on their compaction; at most `limits.chain`.',
      { default_text: '`limits.chain`' },
    ),
    inline_blob_bytes: field(
      integer(0, MIB).default(MIB),
      'Blobs up to this size are in their database rows, larger ones in the object store.',
    ),
    object_store: field(
      z.enum(['postgres', 'directory', 's3']).default('postgres'),
      'Where new large blobs go; those elsewhere stay readable while their store is configured.',
    ),
    object_directory: field(word.optional(), 'Directory of the object store `directory`.', {
      default_text: '`<data_dir>/objects`',
    }),
    s3_endpoint: field(httpUrl.optional(), "Server that speaks the S3 protocol; Amazon's without it."),
    s3_region: field(word.default('us-east-1'), 'Region of the bucket.'),
    s3_bucket: field(word.optional(), 'Bucket of the object store `s3`.'),
    s3_access_key_id: field(word.optional(), 'Without it credentials are looked for as the AWS SDK does.'),
    s3_secret_access_key: field(secretText(1).optional(), 'Belongs to the access key.', { secret: true }),
    s3_force_path_style: field(flag.optional(), "The bucket goes into the path, not into the host's name.", {
      default_text: '`true` with an endpoint',
    }),
    spool_directory: field(word.optional(), 'Where large uploads are kept aside until they are whole.', {
      default_text: '`<data_dir>/spool`',
    }),
    undo_window_days: field(
      integer(1, 36_500).default(90),
      'How long what a tag left or was moved to is kept, so that the move can be undone.',
    ),
    gc_grace_seconds: field(
      integer(0, MANY_SECONDS).default(14 * DAY_SECONDS),
      'How long something must have been unreachable before it is collected.',
    ),
    gc_interval_hours: field(
      integer(0, MANY_HOURS).default(24),
      'How often unreachable versions and blobs are collected; 0 is never.',
    ),
    fsck_interval_hours: field(
      integer(0, MANY_HOURS).default(168),
      'How often everything stored is verified; 0 is never.',
    ),
  }).superRefine(refuseHalfAStore),
  repositories,
  analysis,
  deployments,
  code_host,
  intents,
  llm,
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
  worker,
  runs: section({
    continue_as_new_after_events: field(
      integer(100, 10_000).default(2000),
      'History events before a run continues as new. A worker that has not seen it before replays them all, and has 5 s for it (decision 0032).',
    ),
    sweep_interval_seconds: field(
      integer(1, 3600).default(5),
      'How often unfinished starts and commands are looked for.',
    ),
    command_expiry_seconds: field(
      integer(0, MANY_SECONDS).default(7 * DAY_SECONDS),
      'How long control of a run that sets no expiry may go undelivered; 0 is for ever.',
    ),
    reconcile_interval_seconds: field(
      integer(0, 86_400).default(30),
      'How often open runs are held against Temporal and put right; 0 is never.',
    ),
    retention_days: field(
      integer(0, 36_500).default(90),
      'How long a run is kept after its end, with all its steps and events; 0 is for ever.',
    ),
    retention_interval_hours: field(
      integer(0, MANY_HOURS).default(24),
      'How often runs past that time are deleted; 0 is never.',
    ),
  }),
  external_runs,
  agent_tasks,
  audit,
  data_dir: field(word.default('.orchestrator'), 'Where the embedded stack keeps its data.'),
  setup: field(
    z.enum(['auto', 'none']).default('auto'),
    'Whether system packages may be installed when missing.',
  ),
});

export type Settings = z.output<typeof configSchema>;
