import { setTimeout as pause } from 'node:timers/promises';
import { definition, transform, wait } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { LIMIT_MS } from '../../support/faults.ts';
import type { FleetStage } from './fleet-stage.ts';

const approval = (config: object = {}) => ({ type: 'approval', config: { prompt: 'Go on?', ...config } });

export function restartScenarios(on: FleetStage): void {
  const waiting = (id: string, node: string) =>
    eventually(
      async () => (await on.fleet.steps(id)).find((step) => step.node === node && step.state === 'waiting'),
      60,
    );

  test(
    'approvals, their clocks and a pause survive that everything is killed at once',
    async () => {
      const CLOCK_MS = 30_000;
      await on.fleet.publish(
        'asked',
        definition('asked', {
          yes: approval(),
          t: transform('${{ steps.yes.output.decision }}', { needs: ['yes'] }),
        }),
      );
      await on.fleet.publish(
        'clocked',
        definition('clocked', {
          yes: approval({ timeout_seconds: CLOCK_MS / 1_000, on_timeout: 'approve' }),
        }),
      );
      await on.fleet.publish('paused', definition('paused', { w: wait(2) }));
      const [asked, clocked, paused] = [
        await on.fleet.start('asked'),
        await on.fleet.start('clocked'),
        await on.fleet.start('paused'),
      ];
      const began = await waiting(clocked.id, 'yes');
      await waiting(asked.id, 'yes');
      await waiting(paused.id, 'w');
      await on.fleet.call('POST', `/runs/${paused.id}/pause`);
      await on.fleet.until(paused.id, ({ state }) => state === 'paused', 60);
      const paused_at = Date.now();

      await on.fleet.crashAll();

      expect(await waiting(asked.id, 'yes')).toBeDefined();
      expect((await on.fleet.run(asked.id)).state).toBe('running');
      await pause(Math.max(0, paused_at + 3_000 - Date.now()));
      expect((await on.fleet.run(paused.id)).state).toBe('paused');
      expect(
        (await on.fleet.call('POST', `/runs/${asked.id}/approvals/yes`, { decision: 'approve' })).status,
      ).toBe(202);
      expect(await on.fleet.ended(asked.id, 60)).toMatchObject({
        state: 'completed',
        output: { t: 'approve' },
      });
      expect((await on.fleet.call('POST', `/runs/${paused.id}/resume`)).status).toBe(202);
      expect((await on.fleet.ended(paused.id, 60)).state).toBe('completed');
      const [waited] = await on.fleet.steps(paused.id);
      // The whole wait, and the pause in between.
      expect((waited?.output as { waited_ms: number }).waited_ms).toBeGreaterThan(3_000);
      expect((await on.fleet.until(clocked.id, ({ ended_at }) => ended_at !== null, 120)).state).toBe(
        'completed',
      );
      const [decided] = await on.fleet.steps(clocked.id);
      expect(decided?.output).toMatchObject({ decision: 'approve', by: null });
      const took_ms = Date.parse(String(decided?.ended_at)) - Date.parse(String(began.started_at));
      // Neither begun anew nor run off while nobody was there.
      expect(took_ms).toBeGreaterThanOrEqual(CLOCK_MS - 100);
      expect(took_ms).toBeLessThan(2 * CLOCK_MS);
      await on.agree();
    },
    LIMIT_MS,
  );
}
