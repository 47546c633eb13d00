import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BUILTIN_DEFINITIONS } from '../../src/domain/builtins/definitions.ts';
import { DEPLOYMENT_TIMES } from '../../src/domain/builtins/deployment/definition.ts';
import type { HeldWrite } from './held-steps.ts';
import { ownProcess, type OwnProcess, type Program } from './own-process.ts';
import type { Product } from './product.ts';
import { sharedBundles } from './shared-bundles.ts';
import { testTemporal } from './stack.ts';

/** Without it Temporal would wait for minutes for a worker that is dead. */
const HEARTBEAT_SECONDS = 3;

/** In SQL: whether the doomed ones do it. */
export const IS_DOOMED = "current_setting('application_name') = 'doomed'";

/** Whoever is to be killed waits at the end of the step that the run's label `held` names: that is done, and not recorded. */
export const END_OF_STEP: HeldWrite = {
  write: 'UPDATE',
  table: 'step',
  each: 'ROW',
  when: `${IS_DOOMED} AND NEW.state <> 'running' AND NEW.node = (SELECT labels->>'held' FROM run WHERE id = NEW.run_id)`,
};

/** PostgreSQL learns only later that nobody is there any more. */
const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = 'doomed' AND datname = current_database()`;

/** Workers and agents of a product that has none of its own, in processes that can be killed. */
export interface Fleet {
  /** Where agents keep what they work with. */
  home: string;
  /** Of all that were ever begun. */
  pids(): number[];
  /** A worker and an agent whose connections have that name. */
  start(name: 'doomed' | 'next'): Promise<void>;
  /** SIGKILL for all of them. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Has the steps of the product's own workflows given up soon when their worker is dead: of deployments that begin from now on,
 * of others when it is called before the product is started.
 */
export function hurryHeartbeats(seconds = HEARTBEAT_SECONDS): void {
  DEPLOYMENT_TIMES.heartbeat_seconds = seconds;
  for (const { nodes } of Object.values(BUILTIN_DEFINITIONS))
    for (const node of Object.values(nodes)) if (node.type === 'builtin') node.heartbeat_seconds = seconds;
}

/** A fleet with further settings, by environment name. */
export async function fleetOf(product: Product, env: Record<string, string>): Promise<Fleet> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-killed-'));
  const made: OwnProcess[] = [];
  const pids: number[] = [];
  return {
    home,
    pids: () => pids,
    async start(name) {
      const programs: Program[] = ['worker', 'agent'];
      const started = programs.map((program) =>
        ownProcess(program, { ...settings(product, program, home), PGAPPNAME: name, ...env }),
      );
      made.push(...started);
      await mkdir(path.join(home, 'agent'), { recursive: true });
      await Promise.all(started.map((one) => one.start()));
      pids.push(...started.map((one) => one.pid()));
    },
    async kill() {
      await Promise.all(made.map((one) => one.kill()));
      await product.database.pool.query(CUT);
    },
    async stop() {
      await Promise.all(made.map((one) => one.stop()));
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Of one of the processes of a product, by environment name. */
export const settings = (product: Product, program: Program, home: string): Record<string, string> => ({
  ORCHESTRATOR_AUTH_API_TOKEN: product.token,
  ORCHESTRATOR_DATABASE_URL: product.database_url,
  ORCHESTRATOR_DATABASE_MAX_OPEN_CONNS: '50',
  ORCHESTRATOR_TEMPORAL_HOST_PORT: testTemporal(),
  ORCHESTRATOR_TEMPORAL_TASK_QUEUE: product.config.temporal.task_queue,
  ORCHESTRATOR_DATA_DIR: program === 'worker' ? sharedBundles() : path.join(home, 'agent'),
  ORCHESTRATOR_DEPLOYMENTS_DIRECTORY: path.join(home, 'deployments'),
  ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false',
  ORCHESTRATOR_SERVER_SHUTDOWN_GRACE_SECONDS: '3',
  ORCHESTRATOR_STORE_GC_INTERVAL_HOURS: '0',
  ORCHESTRATOR_STORE_FSCK_INTERVAL_HOURS: '0',
  ORCHESTRATOR_RUNS_RETENTION_INTERVAL_HOURS: '0',
  ORCHESTRATOR_TRIGGERS_RECONCILE_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_EXTERNAL_RUNS_HEALTH_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_REPOSITORIES_ALLOW_HOSTS: '127.0.0.1',
});
