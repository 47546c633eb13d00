import { bash, definition } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { untilAtRest, withTemporal } from '../../support/executions.ts';
import { atMost, dice, each, harassed, LIMIT_MS, numbers, SEEDED, sized } from '../../support/faults.ts';
import { fiveStepsOutput } from '../../support/mixed-runs.ts';
import type { FleetStage } from './fleet-stage.ts';

const RUNS = sized({ short: 12, full: 1_000 });

export function workerScenarios(on: FleetStage): void {
  test(
    `A1 the only worker is killed every 2 to 5 s during ${RUNS} five-step runs: all end right, each result is there once ${SEEDED}`,
    async () => {
      const random = dice('A1');
      const strikes = {
        random,
        every_ms: [sized({ short: 500, full: 2_000 }), sized({ short: 2_000, full: 5_000 })] as const,
        strike: () => on.fleet.crash(random.pick(['worker', 'worker', 'agent'] as const)),
      };
      const ended = await harassed(strikes, async () => {
        const ids = await each(numbers(RUNS), 8, async (n) => (await on.fleet.start('five', { n })).id);
        return each(ids, 8, (id) =>
          on.fleet.until(id, ({ ended_at }) => ended_at !== null, LIMIT_MS / 1_000),
        );
      });
      for (const [n, { state, output, error }] of ended.entries())
        expect({ state, output, error }).toEqual({
          state: 'completed',
          output: fiveStepsOutput(n),
          error: null,
        });
      const { rows } = await on.db.query<{ node: string; count: number }>(
        `SELECT s.node, count(*)::int AS count FROM step s JOIN run r ON r.id = s.run_id AND r.workflow = 'five'
       WHERE s.state = 'succeeded' GROUP BY s.node ORDER BY s.node`,
      );
      expect(Object.fromEntries(rows.map(({ node, count }) => [node, count]))).toEqual({
        ...{ asked: RUNS, below: RUNS, code: RUNS, each: 4 * RUNS, light: RUNS },
      });
      const snapshots = await on.db.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM artifact WHERE kind = 'run_snapshot'",
      );
      // One of each run and one of its child; no other scenario has been here before.
      expect(snapshots.rows[0]?.count).toBe(2 * RUNS);
      const children = await on.db.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM run WHERE workflow = 'child'",
      );
      expect(children.rows[0]?.count).toBe(RUNS);
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    'A6 a worker is killed after the commit of a step, before its report: the step is not carried out again',
    async () => {
      const url = `${on.server.url}/slow-500/once`;
      await on.fleet.publish(
        'asks',
        definition('asks', { asked: { type: 'http', config: { method: 'GET', url } } }),
      );
      await on.fleet.publish('runs', definition('runs', { asked: bash('sleep 0.5; date +%N') }));
      for (const [workflow, part] of [
        ['asks', 'worker'],
        ['runs', 'agent'],
      ] as const) {
        const { id } = await on.fleet.start(workflow);
        const step = async (state: string) => (await on.fleet.steps(id)).find((one) => one.state === state);
        await eventually(() => step('running'));
        // The report goes to a server that does not hear it.
        on.fleet.freeze('temporal');
        const written = await eventually(() => step('succeeded'));
        await on.fleet.processes[part].kill();
        on.fleet.thaw('temporal');
        await on.fleet.processes[part].start();
        expect((await on.fleet.until(id, ({ ended_at }) => ended_at !== null, 60)).state).toBe('completed');
        expect(await on.fleet.steps(id)).toEqual([written]);
        const types = (await on.fleet.events(id)).map(({ type }) => type);
        expect(types.filter((type) => type === 'step.succeeded')).toHaveLength(1);
      }
      expect(on.server.asked.get('/slow-500/once')).toBe(1);
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    'what is told to a step that was seen to wait counts, though the task that brought it there is done again',
    async () => {
      const asked = { type: 'approval', needs: ['told'], config: { prompt: 'Right?' } };
      await on.fleet.publish(
        'told',
        definition('told', { told: { type: 'wait', config: { event: 'told' } }, asked }),
      );
      await on.fleet.processes.worker.kill();
      const { id } = await on.fleet.start('told');
      // As a worker leaves it that is killed between its journal and the end of its task.
      await on.db.query(
        `INSERT INTO step (run_id, epoch, node, attempt, state) VALUES ($1, 0, 'asked', 1, 'waiting')`,
        [id],
      );
      expect((await on.fleet.call('POST', `/runs/${id}/events/told`)).status).toBe(202);
      const decided = await on.fleet.call('POST', `/runs/${id}/approvals/asked`, { decision: 'approve' });
      expect(decided.status).toBe(202);
      const delivered = `SELECT 1 FROM run_command WHERE run_id = $1 AND delivered_at IS NOT NULL`;
      await eventually(async () => (await on.db.query(delivered, [id])).rows.length === 2);
      await on.fleet.processes.worker.start();
      expect((await on.fleet.until(id, ({ ended_at }) => ended_at !== null, 60)).state).toBe('completed');
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    'a pause that only a lost task told of, and its resume, are taken back with it: the run goes on',
    async () => {
      const told = { type: 'wait', config: { event: 'told' } };
      await on.fleet.publish('resumed', definition('resumed', { told }));
      const { id } = await on.fleet.start('resumed');
      await eventually(async () => (await on.fleet.steps(id)).find(({ state }) => state === 'waiting'));
      await withTemporal(on.fleet.temporal_address, (client) => untilAtRest(client, id));
      await on.fleet.processes.worker.kill();
      const pause = (await on.fleet.call<{ id: string }>('POST', `/runs/${id}/pause`)).body.id;
      const delivered = async () =>
        (await on.db.query(`SELECT 1 FROM run_command WHERE run_id = $1 AND delivered_at IS NOT NULL`, [id]))
          .rows.length;
      await eventually(async () => (await delivered()) === 1);
      // As a worker leaves it that is killed between its journal and the end of its task.
      await on.db.query(
        `WITH r AS (
           UPDATE run SET state = 'paused', journal_seq = journal_seq + 1, journal_history = journal_history + 1,
             last_event_seq = last_event_seq + 2 WHERE id = $1 RETURNING last_event_seq AS last
         ), c AS (
           UPDATE run_command SET state = 'acknowledged', acknowledged_at = now() WHERE run_id = $1
         ), t AS (
           INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor)
           SELECT $1, last - 1, 'running', 'paused', 'engine' FROM r
         )
         INSERT INTO run_event (run_id, seq, type, data)
         SELECT $1, last - 1, 'run.paused', '{}'::json FROM r
         UNION ALL SELECT $1, last, 'command.acknowledged', json_build_object('id', $2::text, 'type', 'pause') FROM r`,
        [id, pause],
      );
      expect((await on.fleet.call('POST', `/runs/${id}/resume`)).status).toBe(202);
      await eventually(async () => (await delivered()) === 2);
      await on.fleet.processes.worker.start();
      await on.fleet.until(id, ({ state }) => state === 'running', 60);
      expect((await on.fleet.call('POST', `/runs/${id}/events/told`)).status).toBe(202);
      expect((await on.fleet.until(id, ({ ended_at }) => ended_at !== null, 60)).state).toBe('completed');
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    'A11 SIGTERM under load: API and workers leave in time, requests under way are answered, steps are done elsewhere',
    async () => {
      const GRACE_MS = 3_000;
      await on.fleet.publish(
        'long',
        definition('long', {
          asked: { type: 'http', config: { method: 'GET', url: `${on.server.url}/slow-8000/elsewhere` } },
          code: bash('sleep 8; echo done'),
        }),
      );
      const { id } = await on.fleet.start('long');
      await eventually(
        async () =>
          (on.server.asked.has('/slow-8000/elsewhere') &&
            (await on.fleet.steps(id)).filter(({ state }) => state === 'running').length === 2) ||
          undefined,
      );
      const leaving = [on.fleet.processes.worker.stop(), on.fleet.processes.agent.stop()];
      for (const { code, ms } of await Promise.all(leaving)) {
        expect(code).toBe(0);
        expect(ms).toBeLessThan(GRACE_MS + atMost(2_000));
      }
      const [worker, agent] = [on.fleet.another('worker'), on.fleet.another('agent')];
      await Promise.all([worker.start(), agent.start()]);
      const began_at = Date.now();
      const waiting = numbers(20).map(() =>
        on.fleet.call('GET', `/runs/${id}?wait=30`).then(
          ({ status }) => status,
          (error: Error) => `${String(error.cause)} after ${Date.now() - began_at} ms`,
        ),
      );
      let began = 0;
      const loading = each(numbers(4), 4, async () => {
        for (;;) {
          began++;
          const answer = await on.fleet.call('GET', '/runs').catch(() => undefined);
          if (answer?.status !== 200) return answer?.status;
        }
      });
      await eventually(() => began > 100 || undefined);
      const { code, ms } = await on.fleet.processes.api.stop();
      expect(code).toBe(0);
      expect(ms).toBeLessThan(GRACE_MS + atMost(2_000));
      expect(await Promise.all(waiting)).toEqual(waiting.map(() => 200));
      // Who comes later finds nobody, or is told to come again: nothing is answered wrong.
      for (const status of await loading) expect([undefined, 503]).toContain(status);
      await on.fleet.processes.api.start();
      expect((await on.fleet.until(id, ({ ended_at }) => ended_at !== null, 120)).state).toBe('completed');
      expect(on.server.asked.get('/slow-8000/elsewhere')).toBe(2);
      await Promise.all([on.fleet.processes.worker.start(), on.fleet.processes.agent.start()]);
      await Promise.all([worker.stop(), agent.stop()]);
      await on.agree();
    },
    LIMIT_MS,
  );
}
