import type { BuiltinActivity } from '../contract/builtins.ts';
import type { NodeResult, NodeTask } from '../contract/activities.ts';
import type { Definition, DefinitionNode } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { ExpressionError } from '../language/expression-error.ts';
import { isDatabaseAway } from '../persistence/db.ts';
import type { EndedStep, StepAddress, StepRepository } from '../persistence/steps.ts';
import type { BlobService } from './blobs.ts';
import { bodyOf, nodeOf, type NodeConfigs } from './node-config.ts';
import type { NodeContext, NodeOutcome } from './nodes/node.ts';
import type { RunExecutions } from './run-executions.ts';
import type { SecretSource } from './secrets.ts';
import { withSecrets } from './secrets-step.ts';
import { heldValue, type RunValues } from './values.ts';

/** Carries out one node, given its evaluated config. */
export type NodeExecutor = (config: JsonObject, context: NodeContext) => Promise<NodeOutcome>;

interface Deps {
  steps: Pick<StepRepository, 'begin' | 'end' | 'note'>;
  values: RunValues;
  configs: NodeConfigs;
  secrets: SecretSource;
  blobs: Pick<BlobService, 'put'>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  /** By the type of a node, or by the name of a step of the product's own. */
  executors: Partial<Record<DefinitionNode['type'] | BuiltinActivity, NodeExecutor>>;
  executions: RunExecutions;
  agent_id: string;
}

/** The Temporal attempt that carries a task out. */
export interface Carrier {
  temporal_run_id: string;
  /** Temporal will not try again. */
  last: boolean;
}

/**
 * The activities of nodes: an attempt is recorded when it begins and when it ends, two statements in all, and one
 * whose end is already recorded is not carried out again.
 */
export function nodeTasks(deps: Deps) {
  const { steps, values } = deps;

  async function carryOut(
    task: NodeTask,
    node: DefinitionNode,
    definition: Definition,
    signal: AbortSignal,
  ): Promise<NodeOutcome> {
    const name = node.type === 'builtin' ? (nodeOf(task.node) as BuiltinActivity) : node.type;
    const executor = deps.executors[name];
    if (!executor) throw new AppError('internal', { detail: `No executor for ${name}.` });
    const context = contextOf(task, definition, signal);
    return withSecrets(deps.secrets, deps.configs.secretsOf(node), context, async (secrets, masked) =>
      executor(await deps.configs.evaluate(task, node, secrets), masked),
    );
  }

  function contextOf(task: NodeTask, definition: Definition, signal: AbortSignal): NodeContext {
    const { run, node, item, attempt } = task;
    const { project_id } = run;
    return {
      run_id: run.id,
      project_id,
      node,
      attempt,
      signal,
      files: definition.files ?? {},
      keep: async (bytes, media_type) => {
        // The same memory: what a program leaves may be large.
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        return (await deps.blobs.put(project_id, buffer, { media_type })).cas_id;
      },
      log: (stream, text) =>
        steps.note(run.id, 'step.log', { node, ...(item < 0 ? {} : { item }), attempt, stream, text }),
    };
  }

  /** The run may have to be told first that another execution has it now. */
  async function begin(at: StepAddress, temporal_run_id: string) {
    const found = await steps.begin(at, deps.agent_id);
    if (found) return found;
    const standing = await deps.executions.takeOver({ run_id: at.run_id, temporal_run_id });
    return standing === 'over' ? undefined : steps.begin(at, deps.agent_id);
  }

  /** One attempt, as `run` below. */
  async function attempt(
    task: NodeTask,
    signal: AbortSignal,
    { temporal_run_id, last }: Carrier,
  ): Promise<NodeResult> {
    const at: StepAddress = {
      run_id: task.run.id,
      temporal_run_id,
      node: task.node,
      item: task.item,
      attempt: task.attempt,
    };
    const found = await begin(at, temporal_run_id);
    if (!found) return { state: 'cancelled', output: { value: null }, error: null };
    if (found.state !== 'running') return resultOf(found);
    const definition = await deps.readDefinition(task.version_hash);
    const node = bodyOf(definition, task.node, task.item);
    const outcome = await withTimeout(node, signal, (limited) =>
      carryOut(task, node, definition, limited),
    ).catch((error: unknown) => engineFailure(error, last));
    const kept = await values.keep(task.run.project_id, outcome.output);
    const { state, error, cause } = outcome;
    await steps.end(at, { state, ...kept, error, cause: cause ?? null });
    return { state, output: heldValue(kept), error, cause, engine: outcome.engine };
  }

  let under_way = 0;

  return {
    /**
     * One attempt. Trouble of the engine is thrown, for Temporal to try again, until `last`: then it is the result.
     * `signal` aborts it: then it rejects with the signal's reason and records nothing, so that the
     * workflow (or another worker) has the last word.
     */
    async run(task: NodeTask, signal: AbortSignal, carrier: Carrier): Promise<NodeResult> {
      under_way += 1;
      try {
        return await attempt(task, signal, carrier);
      } finally {
        under_way -= 1;
      }
    },

    /** How many attempts are under way. */
    running: () => under_way,
  };
}

export type NodeTasks = ReturnType<typeof nodeTasks>;

/** Runs under the node's own timeout as well; failures of the work become outcomes. */
async function withTimeout(
  node: DefinitionNode,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<NodeOutcome>,
): Promise<NodeOutcome> {
  const timeout =
    node.timeout_seconds === undefined ? undefined : AbortSignal.timeout(node.timeout_seconds * 1_000);
  try {
    const outcome = await work(timeout ? AbortSignal.any([signal, timeout]) : signal);
    signal.throwIfAborted();
    return timeout?.aborted ? timedOut(node, outcome) : outcome;
  } catch (error) {
    signal.throwIfAborted();
    if (timeout?.aborted) return timedOut(node);
    if (error instanceof ExpressionError) return failed('expression_error', error.message);
    throw error;
  }
}

/** What a program had printed when its time was up is kept. */
function timedOut(node: DefinitionNode, outcome?: NodeOutcome): NodeOutcome {
  if (outcome?.state === 'succeeded') return outcome;
  const message = `The step ran longer than its timeout of ${node.timeout_seconds} s.`;
  return { ...failed('timeout', message), output: outcome?.output ?? null, cause: 'timeout' };
}

/** A database that is away is waited for; anything else of ours is given up in the end. */
function engineFailure(error: unknown, last: boolean): NodeOutcome {
  if (!last || error instanceof AppError || isDatabaseAway(error)) throw error;
  return { ...failed('engine_failure', 'The step could not be carried out.'), engine: true };
}

function failed(code: string, message: string): NodeOutcome {
  return { state: 'failed', output: null, error: { code, message } };
}

function resultOf(step: EndedStep): NodeResult {
  const { state, output, output_ref, error, cause } = step;
  const held = heldValue({ output: output ?? undefined, output_ref });
  return { state: state as NodeResult['state'], output: held, error, cause: cause ?? undefined };
}
