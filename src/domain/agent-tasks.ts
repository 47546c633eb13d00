import type { LocalActivities, NodeTask } from '../contract/activities.ts';
import type { Definition } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { StepError, StepKey } from '../contract/run.ts';
import { ExpressionError } from '../language/expression-error.ts';
import type { AgentTaskRepository } from '../persistence/agent-tasks.ts';
import { bodyOf, type NodeConfigs } from './node-config.ts';
import type { RunExecutions } from './run-executions.ts';
import type { RunValues } from './values.ts';

interface Deps {
  tasks: Pick<AgentTaskRepository, 'open' | 'cancel'>;
  configs: NodeConfigs;
  executions: RunExecutions;
  values: Pick<RunValues, 'keep'>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  ids: () => string;
}

/** The tasks of `agent` nodes, as the workflow asks for them. Both may be called again. */
export function agentTaskOpener(deps: Deps) {
  const { tasks } = deps;

  async function configOf(task: NodeTask): Promise<JsonObject | StepError> {
    const definition = await deps.readDefinition(task.version_hash);
    try {
      return await deps.configs.evaluate(task, bodyOf(definition, task.node, task.item));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return { code: 'expression_error', message: error.message };
    }
  }

  return {
    /**
     * Writes a task down where agents ask for work, and records that its step waits. What its config cannot be evaluated
     * to is the step's failure.
     */
    async open(task: NodeTask, temporal_run_id: string): ReturnType<LocalActivities['openAgentTask']> {
      const config = await configOf(task);
      const { capability, task: content = null, timeout_seconds } = config as JsonObject;
      if ('code' in config) return { error: config as unknown as StepError };
      if (typeof capability !== 'string' || capability === '' || capability.length > MAX_CHARS)
        return { error: NO_CAPABILITY };
      const { run, node, item, attempt } = task;
      const kept = await deps.values.keep(run.project_id, content);
      const row = { id: deps.ids(), capability, task: kept.output ?? null, task_ref: kept.output_ref };
      const at = { run_id: run.id, temporal_run_id, node, item, attempt };
      const task_id = (await tasks.open(at, row)) ?? (await openForSuccessor(at, row));
      if (task_id === undefined) return { error: RUN_ENDED };
      return { task_id, timeout_seconds: typeof timeout_seconds === 'number' ? timeout_seconds : null };
    },

    /** The task is not waited for any more: whoever has it is told so when it shows its lease. */
    async cancel({ run_id, node, item, attempt }: StepKey & { run_id: string }): Promise<void> {
      await tasks.cancel({ run_id, node, item, attempt });
    },
  };

  /** The run may have to be told first that another execution has it now. */
  async function openForSuccessor(
    at: Parameters<AgentTaskRepository['open']>[0] & { temporal_run_id: string },
    row: Parameters<AgentTaskRepository['open']>[1],
  ): Promise<string | undefined> {
    const standing = await deps.executions.takeOver(at);
    if (standing === 'over') return undefined;
    const task_id = await tasks.open(at, row);
    if (task_id === undefined)
      throw new AppError('overloaded', { cause: new Error('the run keeps changing hands') });
    return task_id;
  }
}

export type AgentTaskOpener = ReturnType<typeof agentTaskOpener>;

const MAX_CHARS = 200;
const NO_CAPABILITY = { code: 'expression_error', message: 'The capability is no text of 1–200 characters.' };
const RUN_ENDED = { code: 'cancelled', message: 'The run has ended.' };
