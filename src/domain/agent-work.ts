import { AppError } from '../contract/errors.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { StepError } from '../contract/run.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { hashText } from '../language/content-hash.ts';
import type {
  AgentTaskRepository,
  AgentTaskRow,
  HeldTask,
  TaskFilter,
  TaskPosition,
} from '../persistence/agent-tasks.ts';
import { longPoll, type Wait } from './long-poll.ts';
import { SWEEP_AFTER_MS, type RunDispatch } from './run-dispatch.ts';
import type { TaskFeed } from './task-feed.ts';
import type { RunValues } from './values.ts';

export interface WorkRequest {
  project_id: string;
  capabilities: readonly string[];
  agent_id: string;
}

export type WorkResult = { output: Json } | { error: StepError };

interface Deps {
  tasks: AgentTaskRepository;
  values: Pick<RunValues, 'keep'>;
  dispatch: Pick<RunDispatch, 'deliverSoon'>;
  feed: TaskFeed;
  lease_seconds: number;
  ids: () => string;
  clock: () => Date;
}

/** Nothing announces the end of a lease or of a pause: an agent that waits looks again so often. */
const LOOK_AGAIN_MS = 5_000;

/** What agents outside ask for and answer. */
export function agentWorkService(deps: Deps) {
  const { tasks, feed, lease_seconds, ids } = deps;

  /** Why a task is not the caller's. */
  async function refusal({ project_id, id }: HeldTask): Promise<AppError> {
    const task = await tasks.find(project_id, id);
    return task ? new AppError('lease_lost', { extra: { state: task.state } }) : new AppError('not_found');
  }

  return {
    /**
     * The next task, by the priority of its run and then by age, once there is one; undefined when the time is up. It is
     * the agent's until the lease ends; then it is offered again.
     */
    async next(
      { project_id, capabilities, agent_id }: WorkRequest,
      wait: Wait,
    ): Promise<AgentTaskRow | undefined> {
      const ask = async () => {
        const lease = { token: ids(), seconds: lease_seconds };
        const found = await tasks.claim({ project_id, capabilities, agent_id, lease });
        return { found, again_in_ms: LOOK_AGAIN_MS };
      };
      const follow = (wake: () => void) => feed.follow({ project_id, capabilities }, wake);
      const task = await longPoll(ask, follow, wait);
      // Where one was there may be more, which nobody was woken for.
      if (task) feed.onTask({ project_id, capability: task.capability });
      return task;
    },

    /** The agent is still at it: its lease begins anew. Throws `not_found`, `lease_lost`. */
    async heartbeat(held: HeldTask): Promise<AgentTaskRow> {
      const task = await tasks.extend(held, lease_seconds);
      if (!task) throw await refusal(held);
      return task;
    },

    /**
     * Ends a task, and tells its run. The same result may come again from the one who gave it. Throws `not_found`;
     * `lease_lost` when somebody else has it, it was completed otherwise, or it is not wanted any more.
     */
    async complete(held: HeldTask, result: WorkResult): Promise<AgentTaskRow> {
      const task = await tasks.find(held.project_id, held.id);
      if (!task) throw new AppError('not_found');
      const outcome_hash = hashText(canonicalJson(result as JsonObject));
      const isRepeat = (row: AgentTaskRow | undefined) =>
        row?.state === 'done' && row.lease_token === held.lease_token && row.outcome_hash === outcome_hash;
      if (isRepeat(task)) return task;
      const outcome = await outcomeOf(task, result);
      const done = await tasks.complete(held, { ...outcome, outcome_hash });
      if (done) {
        const command = { id: outcome.outbox_id, run_id: done.run_id, command_id: done.id };
        deps.dispatch.deliverSoon({ ...command, kind: 'command' });
        return done;
      }
      const now = await tasks.find(held.project_id, held.id);
      if (now && isRepeat(now)) return now;
      throw await refusal(held);
    },

    /** Newest first. */
    list: (filter: TaskFilter, limit: number, after?: TaskPosition): Promise<AgentTaskRow[]> =>
      tasks.list(filter, limit, after),
  };

  async function outcomeOf({ project_id, node, item, attempt }: AgentTaskRow, result: WorkResult) {
    const kept = await deps.values.keep(project_id, 'output' in result ? result.output : null);
    const error = 'error' in result ? { ...result.error } : null;
    const state = error ? 'failed' : 'succeeded';
    const output: JsonObject = kept.output_ref === null ? { output: kept.output ?? null } : { stored: true };
    const payload: JsonObject = { node, item, attempt, state, error, ...output };
    return {
      state,
      payload,
      payload_hash: hashText(canonicalJson({ type: 'complete', payload, reason: null })),
      output_ref: kept.output_ref,
      output_hash: kept.output_hash,
      outbox_id: ids(),
      sweep_after: new Date(deps.clock().getTime() + SWEEP_AFTER_MS),
    } as const;
  }
}

export type AgentWorkService = ReturnType<typeof agentWorkService>;
