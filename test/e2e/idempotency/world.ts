import { newId } from '../../../src/ids.ts';
import { agentRepository } from '../../../src/persistence/agents.ts';
import { agentTaskRepository } from '../../../src/persistence/agent-tasks.ts';
import { proposalRepository } from '../../../src/persistence/proposals.ts';
import { bringLive } from '../../support/releases.ts';
import type { World } from './examples.ts';
import type { WholeApi } from './whole-api.ts';

/** What an example may do, in the default project of this API, with a name of its own. */
export function worldOf({ api, database }: WholeApi, name: string): World {
  return {
    name,
    async call(method, path, body) {
      const answer = await api.call(method, `/api/v1${path}`, { body });
      expect([method, path, answer.status < 300, answer.text]).toEqual([method, path, true, answer.text]);
      return answer.text === '' ? {} : answer.json<Record<string, unknown>>();
    },
    async makeWait(run_id, node) {
      const sql = `INSERT INTO step (run_id, epoch, node, attempt, state) SELECT id, epoch, $2, 1, 'waiting' FROM run WHERE id = $1`;
      await database.pool.query(sql, [run_id, node]);
    },
    async offerAgent() {
      const capabilities = { languages: [], isolation: null, cores: 1, memory_bytes: 1 };
      const agent = {
        id: newId(),
        type: 'code',
        name: 'a',
        task_queue: 'q',
        capabilities,
        labels: {},
        slots: 1,
      };
      await agentRepository(database.db, 60).introduce({ ...agent, version: 'test' });
      return agent.id;
    },
    async propose(proposal_id) {
      const patch = [{ op: 'add', path: '/nodes/a/timeout_seconds', value: 5 }];
      const proposed = { patch, files: {}, message: 'Done.', questions: [], understood: true } as const;
      await proposalRepository(database.db).complete(proposal_id, 0, {
        ...proposed,
        patch: [...patch] as never,
        questions: [],
      });
    },
    release: (environment, workflow) => bringLive(database.db, environment, workflow),
    async offerTask(run_id, capability) {
      const { pool } = database;
      await pool.query(`UPDATE run SET state = 'running' WHERE id = $1`, [run_id]);
      const task = { id: newId(), capability, task: 1, task_ref: null };
      await agentTaskRepository(database.db).open({ run_id, node: 'a', item: -1, attempt: 1 }, task);
    },
  };
}
