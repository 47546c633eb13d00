import { newId } from '../../../src/ids.ts';
import { AMPLE } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { LIMIT_MS } from '../../support/faults.ts';
import type { OwnProcess } from '../../support/own-process.ts';
import type { FleetStage } from './fleet-stage.ts';

interface Ended {
  state: string;
  output: { agent_id: string; stdout: string; success: boolean };
}

export function agentScenarios(on: FleetStage): void {
  /** An agent of its own beside that of the fleet, ready for work. */
  async function oneMore(): Promise<{ id: string; process: OwnProcess }> {
    const id = newId();
    const process = on.fleet.another('agent', { ORCHESTRATOR_WORKER_AGENT_ID: id });
    await process.start();
    await eventually(async () => (await agent(id)).status === 'ready');
    return { id, process };
  }

  async function agent(id: string) {
    const { body } = await on.fleet.call<{ status: string; restarts: number; restart_requested_at: unknown }>(
      'GET',
      `/agents/${id}`,
    );
    return body;
  }

  /** Answers once the program runs on that agent. */
  async function executing(agent_id: string, source: string): Promise<string> {
    const { status, body } = await on.fleet.call<{ id: string }>('POST', '/runs', {
      type: 'code_execution',
      input: { language: 'bash', source, limits: AMPLE, agent: { id: agent_id } },
    });
    expect(status).toBe(202);
    await eventually(async () => (await on.fleet.events(body.id)).some(({ type }) => type === 'step.log'));
    return body.id;
  }

  const ended = async (id: string) =>
    (await on.fleet.until(id, ({ ended_at }) => ended_at !== null, 180)) as unknown as Ended;

  test(
    'an agent that is asked to restart ends what it can and hands over the rest, and is the same one afterwards',
    async () => {
      const { id, process } = await oneMore();
      const [short, long] = await Promise.all([
        executing(id, 'echo begun; sleep 1; echo over'),
        executing(id, 'echo begun; sleep 9; echo over'),
      ]);
      expect((await on.fleet.call('POST', `/agents/${id}/restart`)).status).toBe(202);
      expect(await process.ended()).toBe(75);
      expect(await agent(id)).toMatchObject({ status: 'stopped' });
      expect((await on.fleet.call('POST', `/agents/${id}/restart`)).status).toBe(409);
      const [here, elsewhere] = await Promise.all([ended(short), ended(long)]);
      const right = { state: 'completed', output: { success: true, stdout: 'begun\nover\n' } };
      expect([here, elsewhere]).toMatchObject([right, right]);
      expect(here.output.agent_id).toBe(id);
      expect(elsewhere.output.agent_id).not.toBe(id);
      await process.start();
      await eventually(async () => (await agent(id)).status === 'ready');
      expect(await agent(id)).toMatchObject({ restarts: 1, restart_requested_at: null });
      expect((await ended(await executing(id, 'echo again'))).output.agent_id).toBe(id);
      await process.stop();
      await on.agree();
    },
    LIMIT_MS,
  );

  test(
    'what an agent was at that is killed is done by another one',
    async () => {
      const { id, process } = await oneMore();
      const run_id = await executing(id, 'echo begun; sleep 2; echo over');
      await process.kill();
      const { state, output } = await ended(run_id);
      expect({ state, stdout: output.stdout }).toEqual({ state: 'completed', stdout: 'begun\nover\n' });
      expect(output.agent_id).not.toBe(id);
      expect((await agent(id)).status).toBe('lost');
      await on.agree();
    },
    LIMIT_MS,
  );
}
