import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bed } from './bed.ts';
import { waitDefinition } from './definitions.ts';
import { driveLoad } from './load.ts';
import type { Measure } from './measure.ts';
import { lightRun, publish } from './runs.ts';
import { cpuMs, residentMb } from './proc.ts';
import { cleanEnvironment, startNode, stopProcess, untilThere } from './processes.ts';
import { productEnvironment, readyStack } from './product.ts';
import { plainRow } from './rows.ts';

const IDLE_MS = 4_000;
const START_LIMIT_MS = 120_000;
const WAITING_RUNS = 1_000;

/** What API and worker take as processes of their own, fresh and idle. */
export const memory: Measure = async (bed) => {
  const data_dir = path.join(bed.directory, 'apart');
  await mkdir(data_dir, { recursive: true });
  const env = {
    ...productEnvironment({ ...bed.services, data_dir, allow_host: '127.0.0.1' }),
    // Nobody's work may come here.
    ORCHESTRATOR_TEMPORAL_TASK_QUEUE: 'bench-idle',
    ORCHESTRATOR_AUTH_API_TOKEN: bed.product.token,
    ORCHESTRATOR_AUTH_JWT_SECRET: bed.product.token,
    ORCHESTRATOR_TELEMETRY_LOG_LEVEL: 'info',
  };
  const logs = { api: path.join(data_dir, 'api.log'), worker: path.join(data_dir, 'worker.log') };
  const api = startNode(['dist/src/main.js', 'api'], env, logs.api);
  const worker = startNode(['dist/worker/main.js', 'interpreter'], env, logs.worker);
  try {
    await Promise.all([
      untilSays({ child: api, log_file: logs.api, what: 'The API' }, 'listen'),
      untilSays({ child: worker, log_file: logs.worker, what: 'The worker' }, 'polls'),
    ]);
    await pause(IDLE_MS);
    const [api_mb, worker_mb] = [residentMb(api.pid ?? 0), residentMb(worker.pid ?? 0)];
    const together = residentMb(bed.product.pid);
    const note = 'as `npm run api` and `npm run worker` start it';
    return {
      rows: [
        plainRow({ name: 'Idle memory, API process', unit: 'MB', note }, [api_mb], {
          of: 'ours',
          at_most: 150,
        }),
        plainRow({ name: 'Idle memory, worker process', unit: 'MB', note }, [worker_mb], {
          of: 'ours',
          at_most: 300,
        }),
        plainRow(
          {
            name: 'Memory of npm start’s process',
            unit: 'MB',
            note: 'API and interpreter, after the measurements before this one',
          },
          [together],
        ),
      ],
      details: { api_mb, worker_mb, together },
    };
  } finally {
    await Promise.all([stopProcess(api), stopProcess(worker)]);
  }
};

const untilSays = (of: Omit<Parameters<typeof untilThere>[0], 'limit_ms'>, words: string) =>
  untilThere({ ...of, limit_ms: START_LIMIT_MS }, () => logged(of.log_file, words));

async function logged(file: string, words: string): Promise<true | undefined> {
  return (await readFile(file, 'utf8')).includes(words) || undefined;
}

/** A thousand runs that wait: what they cost the process that runs them. They end with the bench. */
export const waiting: Measure = async (bed) => {
  const tag = 'bench-waiting';
  await publish(bed.api, tag, waitDefinition(tag, 3_600));
  // What a process takes once it has worked is not what waiting costs.
  const once = await lightRun(bed);
  await driveLoad({
    clients: 20,
    seconds: Infinity,
    turns: WAITING_RUNS,
    once: async () => void (await once()),
  });
  const before_mb = await quietMb(bed);
  const ids: string[] = [];
  const start = async () => {
    const { id } = await bed.api.json<{ id: string }>([202], 'POST', '/api/v1/runs', { workflow: tag });
    ids.push(id);
  };
  await driveLoad({ clients: 20, seconds: Infinity, turns: WAITING_RUNS, once: start });
  // Newest first: once it waits, most of the others do as well.
  for (const id of ids.toReversed()) await untilWaiting(bed, id);
  const after_mb = await quietMb(bed);
  const [cpu, since] = [cpuMs(bed.product.pid), performance.now()];
  await pause(IDLE_MS);
  const cpu_percent = ((cpuMs(bed.product.pid) - cpu) / (performance.now() - since)) * 100;
  const note = `${before_mb.toFixed(0)} → ${after_mb.toFixed(0)} MB resident before and after, in a process that had run as many to their end`;
  return {
    rows: [
      plainRow({ name: `${WAITING_RUNS} waiting runs, memory`, unit: 'MB', note }, [after_mb - before_mb], {
        of: 'ours',
        at_most: 20,
      }),
      plainRow(
        {
          name: `${WAITING_RUNS} waiting runs, CPU`,
          unit: '% of a core',
          note: 'API, interpreter and their polling',
        },
        [cpu_percent],
      ),
    ],
    details: { before_mb, after_mb, cpu_percent },
  };
};

async function quietMb({ product }: Bed): Promise<number> {
  await pause(IDLE_MS);
  return residentMb(product.pid);
}

async function untilWaiting({ api }: Bed, id: string): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline) {
    const { items } = await api.json<{ items: { state: string }[] }>(
      [200],
      'GET',
      `/api/v1/runs/${id}/steps`,
    );
    if (items[0]?.state === 'waiting') return;
    await pause(100);
  }
  throw new Error(`Run ${id} does not wait.`);
}

/** The command of `npm start`, embedded services included, on an empty data directory and again on the same one. */
export const start: Measure = async (bed) => {
  const data_dir = path.join(bed.directory, 'start');
  await mkdir(data_dir, { recursive: true, mode: 0o711 });
  const first_s = await timeStart(data_dir);
  const again_s = [await timeStart(data_dir), await timeStart(data_dir)];
  const note =
    'node src/dev/bootstrap.mjs start, from the call until /ready says yes; packages are installed';
  return {
    rows: [
      plainRow({ name: 'Start on an empty data directory', unit: 's', note }, [first_s]),
      plainRow({ name: 'Start, warm', unit: 's', note }, again_s, { of: 'ours', at_most: 10 }),
    ],
    details: { first_s, again_s },
  };
};

async function timeStart(data_dir: string): Promise<number> {
  const log_file = path.join(data_dir, 'output.log');
  const env = {
    ...cleanEnvironment(),
    ORCHESTRATOR_DATA_DIR: data_dir,
    ORCHESTRATOR_POSTGRES_PORT: '0',
    ORCHESTRATOR_TEMPORAL_PORT: '0',
    ORCHESTRATOR_TEMPORAL_UI_PORT: '0',
    ORCHESTRATOR_SERVER_PORT: '0',
    ORCHESTRATOR_SERVER_METRICS_PORT: '0',
    ORCHESTRATOR_TELEMETRY_LOG_LEVEL: 'warn',
  };
  const from = performance.now();
  const child = startNode(['src/dev/bootstrap.mjs', 'start'], env, log_file);
  try {
    await untilThere({ child, log_file, what: 'npm start', limit_ms: START_LIMIT_MS }, () =>
      readyStack(data_dir),
    );
    return (performance.now() - from) / 1_000;
  } finally {
    await stopProcess(child);
  }
}
