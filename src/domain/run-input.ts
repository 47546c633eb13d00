import { AppError } from '../contract/errors.ts';
import type { HeldStep, HeldValue } from '../contract/run.ts';
import type { DagInput, DagProgress } from '../contract/workflows.ts';
import type { RunRow } from '../persistence/runs.ts';
import type { CompiledPlan } from './plans.ts';

/** A plan up to this size travels in the start itself. */
const INLINE_PLAN_CHARS = 48 * 1024;

export interface RunInputOptions {
  code_task_queue: string;
  history_limit: number;
}

interface Given {
  /** Left out, the execution reads its plan itself. */
  plan?: CompiledPlan;
  /** Steps it need not carry out again. */
  done?: Record<string, HeldStep>;
  depth?: number;
}

/** What an execution of a run is started with. */
export function dagInput(run: RunRow, options: RunInputOptions, { plan, done, depth }: Given): DagInput {
  if (!run.version_hash || !run.workflow)
    throw new AppError('internal', { detail: 'A dag run without a version.' });
  const { id, project_id, workflow, type, epoch, version_hash, params, parent_run_id } = run;
  const input: HeldValue = run.input_ref ? { stored: true } : { value: run.input };
  return {
    run: { id, workflow, project_id, created_at: run.created_at.toISOString() },
    ...(type === 'dag' ? {} : { type }),
    ...(run.timeout_seconds === null ? {} : { timeout_seconds: run.timeout_seconds }),
    ...(parent_run_id ? { parent_run_id, depth } : {}),
    epoch,
    version_hash,
    ...(plan && plan.chars <= INLINE_PLAN_CHARS ? { plan: plan.plan } : {}),
    input,
    params,
    history_limit: options.history_limit,
    task_queues: { code: options.code_task_queue },
    ...(done ? { resumed: begunWith(done) } : {}),
  };
}

/** A run that has not begun, but for these steps. */
function begunWith(steps: Record<string, HeldStep>): DagProgress {
  return {
    state: 'queued',
    journal_seq: 0,
    steps,
    waits: {},
    attempts: {},
    pause_requested: false,
    commands_seen: [],
    failure: null,
  };
}
