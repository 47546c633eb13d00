import { Context } from '@temporalio/activity';
import type { LocalActivities, NodeActivities, NodeTask } from '../src/contract/activities.ts';
import type { EvaluationService } from '../src/domain/evaluations.ts';
import type { NodeTasks } from '../src/domain/node-tasks.ts';
import type { PlanReader } from '../src/domain/plans.ts';
import type { RunRecorder } from '../src/domain/run-record.ts';
import { translated, withHeartbeat } from './heartbeat.ts';

export interface LocalServices {
  recorder: RunRecorder;
  evaluations: EvaluationService;
  readPlan: PlanReader;
  terminate: (run_id: string) => Promise<void>;
}

/** The bookkeeping of the interpreter: input → one service call. */
export function createLocalActivities({
  recorder,
  evaluations,
  readPlan,
  terminate,
}: LocalServices): LocalActivities {
  return {
    flushJournal: (flush) => translated(() => recorder.flush(flush)),
    endRun: (end) => translated(() => recorder.end(end)),
    readPlan: ({ version_hash, offset }) => translated(() => readPlan(version_hash, offset)),
    evaluateStep: (evaluation) => translated(() => evaluations.step(evaluation)),
    evaluateValue: (evaluation) => translated(() => evaluations.value(evaluation)),
    evaluateOutput: (evaluation) => translated(() => evaluations.output(evaluation)),
    terminateExecution: ({ run_id }) => translated(() => terminate(run_id)),
  };
}

/** An engine that fails this often at one step will not succeed at it. */
const ENGINE_ATTEMPTS = 5;

/** The nodes that have an activity, one function per type so that Temporal Web UI shows them by name. */
export function createNodeActivities(tasks: NodeTasks): NodeActivities {
  const run = (task: NodeTask) =>
    translated(() =>
      withHeartbeat((signal) =>
        tasks.run(task, signal, { last: Context.current().info.attempt >= ENGINE_ATTEMPTS }),
      ),
    );
  return { http: run, code: run };
}
