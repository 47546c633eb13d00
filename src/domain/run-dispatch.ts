import { AppError } from '../contract/errors.ts';
import type { HeldValue } from '../contract/run.ts';
import type { DagInput } from '../contract/workflows.ts';
import type { TemporalRuns } from '../clients/temporal.ts';
import type { CommandRepository } from '../persistence/commands.ts';
import type { OutboxItem, OutboxRepository } from '../persistence/outbox.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { CompiledPlan } from './plans.ts';

/** A plan or an input up to this size travels in the start itself. */
const INLINE_PLAN_CHARS = 48 * 1024;
/** How long the process that accepted something has it to itself before the sweeper looks. */
export const SWEEP_AFTER_MS = 5_000;
const LEASE_SECONDS = 5;
const BATCH = 50;

export interface DispatchOptions {
  temporal: TemporalRuns;
  outbox: OutboxRepository;
  runs: RunRepository;
  commands: CommandRepository;
  planOf: (version_hash: string) => Promise<CompiledPlan>;
  code_task_queue: string;
  history_limit: number;
  onError: (error: unknown, item: { run_id: string; kind: string }) => void;
}

/**
 * Carries what was committed to Temporal. The process that accepted a start or a command tries at once, in the
 * background; what it loses (a crash, an absent Temporal) the sweep of any process finds in the outbox.
 */
export interface RunDispatch {
  /** Starts a run that was just committed. Never rejects: the outbox has it. */
  startSoon(run: RunRow, outbox_id: string): void;
  /** Delivers a command that was just committed. Never rejects. */
  deliverSoon(item: Omit<OutboxItem, 'attempts'>): void;
  /** Delivers what is due; answers how many items it took. */
  sweep(): Promise<number>;
  /** Resolves when nothing is being carried. */
  idle(): Promise<void>;
}

export function runDispatch(options: DispatchOptions): RunDispatch {
  const { temporal, outbox, runs, commands, onError } = options;
  const under_way = new Set<Promise<void>>();

  async function start(run: RunRow): Promise<void> {
    const plan = await options.planOf(run.version_hash ?? '');
    await temporal.start({ type: 'dag', input: dagInput(run, plan, options) });
  }

  async function deliver(item: Omit<OutboxItem, 'attempts'>): Promise<void> {
    const command = await commands.find(item.run_id, item.command_id ?? '');
    if (!command) return outbox.done(item.id);
    const { id, type, issued_by: actor, reason, payload } = command;
    const there = await temporal.signal(item.run_id, {
      id,
      type,
      actor,
      reason: reason ?? undefined,
      payload,
    });
    if (!there) return settleUndeliverable(item);
    if (type === 'cancel') await temporal.cancel(item.run_id);
    await commands.delivered(item.run_id, id);
    await outbox.done(item.id);
  }

  /** No such execution: the run has ended and answered its commands, or its start is still on the way. */
  async function settleUndeliverable(item: Omit<OutboxItem, 'attempts'>): Promise<void> {
    const run = await runs.findAny(item.run_id);
    if (run?.ended_at !== null) await outbox.done(item.id);
  }

  async function carry(item: OutboxItem): Promise<void> {
    if (item.kind === 'command') return deliver(item);
    const run = await runs.findAny(item.run_id);
    if (run && run.ended_at === null) await start(run);
    await outbox.done(item.id);
  }

  function inBackground(item: { run_id: string; kind: string }, work: () => Promise<void>): void {
    const promise = work()
      .catch((error: unknown) => onError(error, item))
      .finally(() => under_way.delete(promise));
    under_way.add(promise);
  }

  return {
    // The row in the outbox is removed by the run's first flush, which proves that Temporal has it.
    startSoon: (run) => inBackground({ run_id: run.id, kind: 'start' }, () => start(run)),
    deliverSoon: (item) => inBackground(item, () => deliver(item)),
    async sweep() {
      const items = await outbox.claim(BATCH, LEASE_SECONDS);
      for (const item of items) await carry(item).catch((error: unknown) => onError(error, item));
      return items.length;
    },
    async idle() {
      await Promise.all(under_way);
    },
  };
}

function dagInput(run: RunRow, { plan, chars }: CompiledPlan, options: DispatchOptions): DagInput {
  if (!run.version_hash || !run.workflow)
    throw new AppError('internal', { detail: 'A dag run without a version.' });
  const { id, project_id, workflow, epoch, version_hash, params } = run;
  const input: HeldValue = run.input_ref ? { stored: true } : { value: run.input };
  return {
    run: { id, workflow, project_id, created_at: run.created_at.toISOString() },
    epoch,
    version_hash,
    ...(chars <= INLINE_PLAN_CHARS ? { plan } : {}),
    input,
    params,
    history_limit: options.history_limit,
    task_queues: { code: options.code_task_queue },
  };
}
