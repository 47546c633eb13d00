import type { ChildTask, ClosedChild, NodeResult, OpenedChild, RunsCommand } from '../contract/activities.ts';
import type { Definition, RunConfig } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { isFinal, type RunType, type StepError } from '../contract/run.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { StepAddress, StepRepository } from '../persistence/steps.ts';
import { bodyOf, type NodeConfigs } from './node-config.ts';
import type { CommandService } from './run-commands.ts';
import { derivedId } from './rules/derived-id.ts';
import { isHeld } from './rules/flow.ts';
import { dagInput, type RunInputOptions } from './run-input.ts';
import type { RunOpener } from './run-open.ts';
import { stepErrorOf } from './step-error.ts';
import { heldValue, type RunValues } from './values.ts';

/** Runs may begin runs, but not for ever. */
const MAX_DEPTH = 10;

interface Deps {
  runs: Pick<RunRepository, 'findAny'>;
  steps: Pick<StepRepository, 'begin' | 'end'>;
  values: Pick<RunValues, 'keep' | 'valueOf'>;
  open: RunOpener;
  configs: NodeConfigs;
  readDefinition: (version_hash: string) => Promise<Definition>;
  commands: Pick<CommandService, 'issue'>;
  input_options: RunInputOptions;
}

/** Runs that are begun by a step of another run: every function may be called again with the same argument. */
export function childRuns(deps: Deps) {
  const { runs, steps, values } = deps;

  async function openFor(task: ChildTask, id: string): Promise<RunRow> {
    const known = await runs.findAny(id);
    if (known) return known;
    if (task.depth > MAX_DEPTH)
      throw new AppError('validation_failed', { detail: `Runs are nested deeper than ${MAX_DEPTH}.` });
    const parent = await runs.findAny(task.run.id);
    if (!parent) throw new AppError('not_found');
    const body = bodyOf(await deps.readDefinition(task.version_hash), task.node, task.item);
    const config = (await deps.configs.evaluate(task, body)) as RunConfig;
    const { project_id, labels, priority, created_by: actor } = parent;
    return deps.open(
      {
        id,
        project_id,
        ...(config.type === undefined
          ? { workflow: config.workflow ?? '' }
          : { workflow: null, type: config.type as RunType }),
        input: config.input ?? {},
        params: (config.params ?? {}) as JsonObject,
        labels,
        priority,
        actor,
        more: { parent_run_id: parent.id, parent_node: task.node, parent_item: task.item },
        may_wait: true,
      },
      () => null,
    );
  }

  return {
    /** Opens the child once; what it must not be opened for is the step's failure. */
    async open(task: ChildTask, temporal_run_id: string): Promise<OpenedChild> {
      const at = addressOf(task.run.id, task, temporal_run_id);
      const id = childOf(task, temporal_run_id);
      const begun = await steps.begin(at, null, { run_id: id });
      if (!begun) return { error: { code: 'cancelled', message: 'The run has ended.' } };
      try {
        const child = await openFor(task, id);
        return {
          input: dagInput(child, deps.input_options, { depth: task.depth }),
          admitted: !isHeld(child),
        };
      } catch (thrown) {
        const error = stepErrorOf(thrown);
        await steps.end(at, { state: 'failed', ...NO_OUTPUT, error, cause: null });
        return { error };
      }
    },

    /** Throws `overloaded`, to be asked again, while the child's end is not recorded. */
    async close(request: ClosedChild, temporal_run_id: string): Promise<NodeResult> {
      const child = await runs.findAny(request.child_run_id);
      if (!child || !isFinal(child.state)) throw new AppError('overloaded');
      const { project_id, state } = child;
      const output = await values.valueOf(project_id, child.output, child.output_ref);
      const kept = await values.keep(project_id, { run_id: child.id, state, output });
      const end = endOf(child, request);
      const at = addressOf(request.run.id, request, temporal_run_id);
      await steps.end(at, { ...end, ...kept });
      return { ...end, cause: end.cause ?? undefined, output: heldValue(kept) };
    },

    /** A run that has ended, or is where the command would bring it, needs no command. */
    async command({ project_id, run_ids, key: id, type, actor, reason }: RunsCommand): Promise<void> {
      for (const run_id of run_ids) {
        await deps.commands
          .issue({ project_id, run_id, id, type, payload: {}, reason, actor })
          .catch((error: unknown) => {
            const needless =
              error instanceof AppError && ['run_final', 'state_conflict'].includes(error.code);
            if (!needless) throw error;
          });
      }
    },
  };
}

/** One run for each attempt of an execution: whoever asks again, by a workflow task that is done again too, means the same one. */
function childOf({ run, node, item, attempt }: ChildTask, temporal_run_id: string): string {
  return derivedId('child', run.id, temporal_run_id, node, String(item), String(attempt));
}

export type ChildRuns = ReturnType<typeof childRuns>;

const NO_OUTPUT = { output: undefined, output_ref: null, output_hash: null };

function addressOf(
  run_id: string,
  { node, item, attempt }: Pick<StepAddress, 'node' | 'item' | 'attempt'>,
  temporal_run_id: string,
): StepAddress {
  return { run_id, temporal_run_id, node, item, attempt };
}

/** How a child's end ends the step that began it. */
function endOf(
  { id, state, error }: RunRow,
  { stopping, timed_out }: ClosedChild,
): { state: 'succeeded' | 'failed' | 'cancelled'; error: StepError | null; cause: string | null } {
  if (state === 'completed') return { state: 'succeeded', error: null, cause: null };
  if (stopping && (state === 'cancelled' || state === 'terminated'))
    return { state: 'cancelled', error: null, cause: null };
  if (timed_out) {
    const message = `The run ${id} was not over in the time of the step.`;
    return { state: 'failed', error: { code: 'timeout', message }, cause: 'timeout' };
  }
  const why = error ? `: ${error.message}` : '.';
  return {
    state: 'failed',
    error: { code: `child_${state}`, message: `The run ${id} ${state}${why}` },
    cause: null,
  };
}
