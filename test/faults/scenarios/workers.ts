import pg from 'pg';
import { bash, definition } from '../support/definitions.ts';
import { eventually } from '../support/eventually.ts';
import { dice, each, harass, LIMIT_MS, numbers, SEEDED, sized } from '../support/faults.ts';
import { startFlakyServer, type FlakyServer } from '../support/flaky-server.ts';
import { startFleet, type Fleet } from '../support/fleet.ts';
import { child, fiveSteps, fiveStepsOutput } from '../support/mixed-runs.ts';
import { contradictions } from '../support/model-check.ts';

const RUNS = sized({ short: 12, full: 1_000 });

let fleet: Fleet;
let server: FlakyServer;
let db: pg.Pool;

beforeAll(async () => {
  server = await startFlakyServer();
  fleet = await startFleet();
  db = new pg.Pool({ connectionString: fleet.database_url, max: 2 });
  await fleet.publish('child', child);
  await fleet.publish('five', fiveSteps(server.url));
}, LIMIT_MS);
afterAll(async () => {
  await db?.end();
  await fleet?.remove();
  await server?.close();
});

const agree = async () =>
  expect(await contradictions(fleet.database_url, fleet.temporal_address)).toEqual([]);

test(
  `A1 the only worker is killed every 2 to 5 s during ${RUNS} five-step runs: all end right, each result is there once ${SEEDED}`,
  async () => {
    const random = dice('A1');
    const killing = harass({
      random,
      every_ms: [sized({ short: 500, full: 2_000 }), sized({ short: 2_000, full: 5_000 })],
      strike: () => fleet.crash(random.pick(['worker', 'worker', 'agent'] as const)),
    });
    const ids = await each(numbers(RUNS), 8, async (n) => (await fleet.start('five', { n })).id);
    const ended = await each(ids, 8, (id) =>
      fleet.until(id, ({ ended_at }) => ended_at !== null, LIMIT_MS / 1_000),
    );
    expect(await killing.stop()).toBeGreaterThan(0);
    for (const [n, { state, output }] of ended.entries())
      expect({ state, output }).toEqual({ state: 'completed', output: fiveStepsOutput(n) });
    const { rows } = await db.query<{ node: string; count: number }>(
      `SELECT s.node, count(*)::int AS count FROM step s JOIN run r ON r.id = s.run_id AND r.workflow = 'five'
       WHERE s.state = 'succeeded' GROUP BY s.node ORDER BY s.node`,
    );
    expect(Object.fromEntries(rows.map(({ node, count }) => [node, count]))).toEqual({
      ...{ asked: RUNS, below: RUNS, code: RUNS, each: 4 * RUNS, light: RUNS },
    });
    const snapshots = await db.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM artifact WHERE kind = 'run_snapshot'",
    );
    // One of each run and one of its child.
    expect(snapshots.rows[0]?.count).toBe(2 * RUNS);
    const children = await db.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM run WHERE parent_run_id IS NOT NULL`,
    );
    expect(children.rows[0]?.count).toBe(RUNS);
    await agree();
  },
  LIMIT_MS,
);

test(
  'A6 a worker is killed after the commit of a step, before its report: the step is not carried out again',
  async () => {
    const url = `${server.url}/slow-500/once`;
    await fleet.publish(
      'asks',
      definition('asks', { asked: { type: 'http', config: { method: 'GET', url } } }),
    );
    await fleet.publish('runs', definition('runs', { asked: bash('sleep 0.5; date +%N') }));
    for (const [workflow, part] of [
      ['asks', 'worker'],
      ['runs', 'agent'],
    ] as const) {
      const { id } = await fleet.start(workflow);
      const step = async (state: string) => (await fleet.steps(id)).find((one) => one.state === state);
      await eventually(() => step('running'));
      // The report goes to a server that does not hear it.
      fleet.freeze('temporal');
      const written = await eventually(() => step('succeeded'));
      await fleet.processes[part].kill();
      fleet.thaw('temporal');
      await fleet.processes[part].start();
      expect((await fleet.until(id, ({ ended_at }) => ended_at !== null, 60)).state).toBe('completed');
      expect(await fleet.steps(id)).toEqual([written]);
      const types = (await fleet.events(id)).map(({ type }) => type);
      expect(types.filter((type) => type === 'step.succeeded')).toHaveLength(1);
    }
    expect(server.asked.get('/slow-500/once')).toBe(1);
    await agree();
  },
  LIMIT_MS,
);

test(
  'A11 SIGTERM under load: API and workers leave in time, requests under way are answered, steps are done elsewhere',
  async () => {
    const GRACE_MS = 3_000;
    await fleet.publish(
      'long',
      definition('long', {
        asked: { type: 'http', config: { method: 'GET', url: `${server.url}/slow-8000/elsewhere` } },
        code: bash('sleep 8; echo done'),
      }),
    );
    const { id } = await fleet.start('long');
    await eventually(
      async () =>
        (await fleet.steps(id)).filter(({ state }) => state === 'running').length === 2 || undefined,
    );
    const leaving = [fleet.processes.worker.stop(), fleet.processes.agent.stop()];
    for (const { code, ms } of await Promise.all(leaving)) {
      expect(code).toBe(0);
      expect(ms).toBeLessThan(GRACE_MS + 2_000);
    }
    const [worker, agent] = [fleet.another('worker'), fleet.another('agent')];
    await Promise.all([worker.start(), agent.start()]);
    const began_at = Date.now();
    const waiting = numbers(20).map(() =>
      fleet.call('GET', `/runs/${id}?wait=30`).then(
        ({ status }) => status,
        (error: Error) => `${String(error.cause)} after ${Date.now() - began_at} ms`,
      ),
    );
    let began = 0;
    const loading = each(numbers(4), 4, async () => {
      for (;;) {
        began++;
        const answer = await fleet.call('GET', '/runs').catch(() => undefined);
        if (answer?.status !== 200) return answer?.status;
      }
    });
    await eventually(() => began > 100 || undefined);
    const { code, ms } = await fleet.processes.api.stop();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(GRACE_MS + 2_000);
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => 200));
    // Who comes later finds nobody, or is told to come again: nothing is answered wrong.
    for (const status of await loading) expect([undefined, 503]).toContain(status);
    await fleet.processes.api.start();
    expect((await fleet.until(id, ({ ended_at }) => ended_at !== null, 120)).state).toBe('completed');
    expect(server.asked.get('/slow-8000/elsewhere')).toBe(2);
    await Promise.all([fleet.processes.worker.start(), fleet.processes.agent.start()]);
    await Promise.all([worker.stop(), agent.stop()]);
    await agree();
  },
  LIMIT_MS,
);
