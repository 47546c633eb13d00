import { AppError } from '../contract/errors.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { isFinal } from '../contract/run.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { StepRepository } from '../persistence/steps.ts';
import type { PlanOf } from './plans.ts';
import type { RefService } from './refs.ts';
import { applyPatch } from './rules/json-patch.ts';
import { isGated } from './rules/flow.ts';
import { resumePoint, reusableSteps } from './rules/run-reuse.ts';
import type { RunService } from './runs.ts';
import type { RunValues } from './values.ts';

interface Addressed {
  project_id: string;
  run_id: string;
  actor: string;
}

export interface ForkRun extends Addressed {
  from_step: string;
  /** Another version, or another workflow; without it the run's own version. */
  workflow?: string;
  /** JSON Patches (RFC 6902). */
  input_patch?: Json[];
  params_patch?: Json[];
}

interface Deps {
  runs: Pick<RunRepository, 'find'>;
  steps: Pick<StepRepository, 'marks'>;
  values: Pick<RunValues, 'valueOf'>;
  refs: Pick<RefService, 'resolve'>;
  planOf: PlanOf;
  start: RunService['start'];
}

/** New runs that begin where another one was: what came before is not done again, and every such step says so. */
export function forkService({ runs, steps, values, refs, planOf, start }: Deps) {
  async function requireRun({ project_id, run_id }: Addressed): Promise<RunRow & { version_hash: string }> {
    const run = await runs.find(project_id, run_id);
    if (!run) throw new AppError('not_found');
    const { version_hash, executor } = run;
    if (version_hash === null || executor !== 'temporal')
      throw new AppError('state_conflict', { detail: 'Only runs with steps of their own can be forked.' });
    return { ...run, version_hash };
  }

  /** `from`: where the fork begins. `workflow`: a version other than the run's own. */
  async function fork(source: RunRow & { version_hash: string }, request: ForkRun): Promise<RunRow> {
    const { project_id, actor, from_step, workflow } = request;
    const version_hash = workflow
      ? (await refs.resolve(project_id, workflow)).version_hash
      : source.version_hash;
    const { plan } = await planOf(version_hash);
    if (!plan.nodes[from_step]) throw unknownStep(from_step);
    const input = await values.valueOf(project_id, source.input, source.input_ref);
    return start({
      project_id,
      workflow: version_hash,
      type: workflow ? 'dag' : source.type,
      workflow_name: workflow ? undefined : (source.workflow ?? undefined),
      input: patched(input, request.input_patch, 'input_patch'),
      params: patched(source.params, request.params_patch, 'params_patch') as JsonObject,
      labels: source.labels,
      priority: source.priority,
      actor,
      // What limited the run limits its successor.
      is_live: isGated(source),
      reuse: {
        run_id: source.id,
        nodes: reusableSteps(plan, await steps.marks(source.id), [from_step]),
      },
      more: {
        forked_from: source.id,
        forked_from_step: from_step,
        timeout_seconds: source.timeout_seconds ?? undefined,
      },
    });
  }

  return {
    /** Begins at `from_step`. Throws `not_found`, `state_conflict`, `input_invalid`, `patch_invalid`, `patch_conflict`. */
    fork: async (request: ForkRun): Promise<RunRow> => fork(await requireRun(request), request),

    /**
     * Takes a run that did not succeed up again at the step that failed, on the same version with the same input. Throws
     * `not_found`, and `state_conflict` for one that goes on, has completed, or has nothing left to do.
     */
    async retry(request: Addressed): Promise<RunRow> {
      const source = await requireRun(request);
      if (!isFinal(source.state) || source.state === 'completed')
        throw new AppError('state_conflict', {
          detail: `A run that is ${source.state} cannot be retried.`,
          extra: { state: source.state },
        });
      const { plan } = await planOf(source.version_hash);
      const from_step =
        resumePoint(plan, await steps.marks(source.id), source.error?.step) ?? plan.order.at(-1);
      if (from_step === undefined) throw new AppError('state_conflict', { detail: 'The run has no steps.' });
      return fork(source, { ...request, from_step });
    },
  };
}

export type ForkService = ReturnType<typeof forkService>;

function unknownStep(id: string): AppError {
  return new AppError('input_invalid', {
    errors: [{ path: '/from_step', message: `the version has no step "${id}"` }],
  });
}

function patched(document: Json, operations: Json[] | undefined, member: string): Json {
  if (operations === undefined) return document;
  try {
    return applyPatch(document, operations);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const errors = (error.data.errors ?? []).map(({ path, message }) => ({
      path: `/${member}${path}`,
      message,
    }));
    throw new AppError(error.code, { ...error.data, errors });
  }
}
