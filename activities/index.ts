import { Context } from '@temporalio/activity';
import type { LocalActivities, NodeActivities, NodeTask } from '../src/contract/activities.ts';
import type { AgentTaskOpener } from '../src/domain/agent-tasks.ts';
import type { ChildRuns } from '../src/domain/child-runs.ts';
import type { EvaluationService } from '../src/domain/evaluations.ts';
import type { MapSteps } from '../src/domain/map-steps.ts';
import type { NodeTasks } from '../src/domain/node-tasks.ts';
import type { PlanReader } from '../src/domain/plans.ts';
import type { RunRecorder } from '../src/domain/run-record.ts';
import { translated, withHeartbeat } from './heartbeat.ts';

export interface LocalServices {
  recorder: RunRecorder;
  evaluations: EvaluationService;
  maps: MapSteps;
  children: ChildRuns;
  agent_tasks: AgentTaskOpener;
  readPlan: PlanReader;
  terminate: (run_id: string, temporal_run_id: string) => Promise<void>;
}

/** The bookkeeping of the interpreter: input → one service call. */
export function createLocalActivities({
  recorder,
  evaluations,
  maps,
  children,
  agent_tasks,
  readPlan,
  terminate,
}: LocalServices): LocalActivities {
  return {
    flushJournal: (flush) => translated(() => recorder.flush(flush, execution())),
    endRun: (end) => translated(() => recorder.end(end, execution())),
    readPlan: ({ version_hash, offset }) => translated(() => readPlan(version_hash, offset)),
    evaluateStep: (evaluation) => translated(() => evaluations.step(evaluation)),
    openMap: (evaluation) => translated(() => maps.open(evaluation)),
    collectMap: (request) => translated(() => maps.collect(request, execution())),
    openChild: (task) => translated(() => children.open(task, execution())),
    closeChild: (request) => translated(() => children.close(request, execution())),
    openAgentTask: (task) => translated(() => agent_tasks.open(task, execution())),
    cancelAgentTask: (key) => translated(() => agent_tasks.cancel(key)),
    commandRuns: (command) => translated(() => children.command(command)),
    evaluateValue: (evaluation) => translated(() => evaluations.value(evaluation)),
    evaluateOutput: (evaluation) => translated(() => evaluations.output(evaluation)),
    terminateExecution: ({ run_id }) => translated(() => terminate(run_id, execution())),
  };
}

/** The Temporal execution this activity is of. */
const execution = () => Context.current().info.workflowExecution!.runId;

/** An engine that fails this often at one step will not succeed at it. */
const ENGINE_ATTEMPTS = 5;

/** Activities that carry out steps, under every one of these names, so that Temporal Web UI shows what they are. */
export function createNodeActivities<Name extends keyof NodeActivities>(
  tasks: NodeTasks,
  names: readonly Name[],
): Pick<NodeActivities, Name> {
  const run = (task: NodeTask) =>
    translated(() =>
      withHeartbeat((signal) =>
        tasks.run(task, signal, {
          temporal_run_id: execution(),
          last: Context.current().info.attempt >= ENGINE_ATTEMPTS,
        }),
      ),
    );
  return Object.fromEntries(names.map((name) => [name, run])) as Pick<NodeActivities, Name>;
}
