import { setTimeout as pause } from 'node:timers/promises';
import { fourLightSteps } from '../../support/definitions.ts';
import { withTemporal } from '../../support/executions.ts';
import { dice, LIMIT_MS, numbers, SEEDED, sized } from '../../support/faults.ts';
import { insistent } from '../../support/insist.ts';
import type { FleetStage } from './fleet-stage.ts';

const KILLS = sized({ short: 4, full: 100 });
const AT_ONCE = 5;

export function startScenarios(on: FleetStage): void {
  beforeAll(() => on.fleet.publish('four', fourLightSteps('four')));

  const idsOfRows = async () =>
    (await on.db.query<{ id: string }>("SELECT id FROM run WHERE workflow = 'four' ORDER BY id")).rows.map(
      ({ id }) => id,
    );
  const idsOfExecutions = () =>
    withTemporal(on.fleet.temporal_address, async (client) => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query: "OrchestratorWorkflow = 'four'" }))
        ids.push(workflowId);
      return ids.sort();
    });
  const allEnded = async () => {
    while ((await on.db.query('SELECT FROM run WHERE ended_at IS NULL')).rowCount! > 0) await pause(100);
  };

  test(
    `A5 the API is killed between commit and start, ${KILLS} times: every row has its workflow, every workflow its row ${SEEDED}`,
    async () => {
      const random = dice('A5');
      const accepted: string[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        // Every other time Temporal hears of nothing, so that the kill comes after the commit for certain.
        const is_between = kill % 2 === 0;
        if (is_between) on.fleet.freeze('temporal');
        const starts = numbers(AT_ONCE).map(() => on.fleet.start('four', { n: kill }).catch(() => undefined));
        if (is_between) await Promise.all(starts);
        else await pause(random.below(40));
        await on.fleet.processes.api.kill();
        for (const run of await Promise.all(starts)) if (run) accepted.push(run.id);
        if (is_between) on.fleet.thaw('temporal');
        await on.fleet.processes.api.start();
      }
      await allEnded();
      const rows = await idsOfRows();
      expect(accepted.length).toBeGreaterThanOrEqual((KILLS / 2) * AT_ONCE);
      expect(rows).toEqual(expect.arrayContaining(accepted));
      // What Temporal lists comes a moment after what it does.
      for (let tries = 0; tries < 100 && (await idsOfExecutions()).length < rows.length; tries++)
        await pause(100);
      expect(await idsOfExecutions()).toEqual(rows);
      const states = await on.db.query<{ state: string }>(
        "SELECT DISTINCT state FROM run WHERE workflow = 'four'",
      );
      expect(states.rows).toEqual([{ state: 'completed' }]);
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    'B3 one key sent 50 times at once is one run; with another body it is refused; after a crash it goes through',
    async () => {
      const client = insistent(on.fleet);
      const start = (key: string, n: number) =>
        client.call<{ id: string }>('POST', '/runs', { workflow: 'four', input: { n } }, key);
      const answers = await Promise.all(numbers(50).map(() => start('one', 1)));
      expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
      expect((await start('one', 2)).status).toBe(422);
      // Whoever sent it first is held by the database and dies; what it has sent is committed none the less.
      const before = (await idsOfRows()).length;
      const holding = await on.db.connect();
      await holding.query('BEGIN; LOCK TABLE run IN SHARE MODE');
      const lost = on.fleet
        .call('POST', '/runs', { workflow: 'four', input: { n: 3 } }, { 'idempotency-key': 'two' })
        .catch(() => 'lost');
      // How the statement that inserts a run begins; PostgreSQL does not show all of it.
      const held =
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'WITH pinned %'";
      // Not in the transaction, which would see the activity of its beginning for ever.
      while ((await on.db.query(held)).rowCount === 0) await pause(20);
      await on.fleet.processes.api.kill();
      expect(await lost).toBe('lost');
      await holding.query('COMMIT');
      holding.release();
      while ((await idsOfRows()).length === before) await pause(20);
      await on.fleet.processes.api.start();
      // The lock of the dead is 60 s old from here on.
      await on.db.query('UPDATE idempotency_key SET locked_until = now() WHERE status IS NULL');
      const again = await start('two', 3);
      expect(again.status).toBe(202);
      expect((await start('two', 3)).body.id).toBe(again.body.id);
      expect((await idsOfRows()).length).toBe(before + 1);
      await allEnded();
      await on.agree();
    },
    LIMIT_MS,
  );
}
