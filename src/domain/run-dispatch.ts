import { setTimeout as pause } from 'node:timers/promises';
import type { TemporalRuns } from '../clients/temporal.ts';
import { isUnanswered, type HeldStep } from '../contract/run.ts';
import type { CommandRepository, CommandRow } from '../persistence/commands.ts';
import type { OutboxItem, OutboxRepository } from '../persistence/outbox.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { CompiledPlan } from './plans.ts';
import { isHeld, wasNeverAdmitted } from './rules/flow.ts';
import type { HeldCommands } from './run-held.ts';
import { dagInput, type RunInputOptions } from './run-input.ts';

/** How long the process that accepted something has it to itself before the sweeper looks. */
export const SWEEP_AFTER_MS = 5_000;
const LEASE_SECONDS = 5;
const BATCH = 50;
/** What is more than a batch is fetched batch by batch, for about this long. */
const SWEEP_MS = 1_000;
/** Another process carries a command of the same run: it takes it milliseconds. */
const TURN_AFTER_MS = [10, 30, 60, 100, 200, 400];

export interface DispatchOptions extends RunInputOptions {
  temporal: TemporalRuns;
  outbox: OutboxRepository;
  runs: RunRepository;
  commands: CommandRepository;
  planOf: (version_hash: string) => Promise<CompiledPlan>;
  /** What a forked run need not do again. */
  doneSteps: (run_id: string) => Promise<Record<string, HeldStep>>;
  /** Applies a command to a run that waits for its turn. */
  held: HeldCommands;
  onError: (error: unknown, item: { run_id: string; kind: string }) => void;
  clock: () => Date;
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
  /** The last thing under way for each run; what came before it is behind it. */
  const under_way = new Map<string, Promise<void>>();
  /** Runs with a command that could not be carried: the ones after it need not wait here. */
  const behind = new Set<string>();

  async function start(run: RunRow): Promise<void> {
    // Its admission starts it.
    if (isHeld(run)) return;
    if (run.parent_run_id !== null)
      return void (await temporal.tell(run.parent_run_id, { run_id: run.id, news: 'admitted' }));
    const plan = await options.planOf(run.version_hash ?? '');
    const done = run.forked_from === null ? undefined : await options.doneSteps(run.id);
    const input = dagInput(run, options, { plan, done });
    await temporal.start({ type: run.type, input, priority: run.priority });
  }

  /** Commands of a run go one after the other, whichever process accepted them: what waits for long is left to the sweep. */
  async function itsTurn(
    { id, run_id }: Pick<OutboxItem, 'id' | 'run_id'>,
    is_patient: boolean,
  ): Promise<boolean> {
    if (!is_patient) return outbox.isFirst(id);
    for (const wait_ms of [...TURN_AFTER_MS, 0]) {
      if (await outbox.isFirst(id)) return true;
      await pause(wait_ms);
    }
    behind.add(run_id);
    return false;
  }

  async function deliver(item: Omit<OutboxItem, 'attempts'>, is_patient: boolean): Promise<void> {
    const [is_first, command] = await Promise.all([
      itsTurn(item, is_patient),
      commands.find(item.run_id, item.command_id ?? ''),
    ]);
    if (!is_first) return;
    if (!command) return outbox.done(item.id);
    if (!isUnanswered(command)) return settleAnswered(item, command);
    // The sweep of what has expired will say so; the workflow judges what it was told of before.
    if (isTooLate(command, options.clock())) return;
    const { id, type, issued_by: actor, reason, payload } = command;
    const there = await temporal.signal(item.run_id, {
      id,
      type,
      actor,
      reason: reason ?? undefined,
      payload,
      expires_at_ms: command.expires_at?.getTime(),
    });
    if (!there) return settleUndeliverable(item, command);
    if (type === 'cancel') await temporal.cancel(item.run_id);
    await Promise.all([commands.delivered(item.run_id, id), outbox.done(item.id)]);
  }

  /**
   * No such execution: the run has ended and answered its commands, waits for its turn, or its start is still on the way.
   */
  async function settleUndeliverable({ id, run_id }: Pick<OutboxItem, 'id' | 'run_id'>, command: CommandRow) {
    const run = await runs.findAny(run_id);
    const settled = run && wasNeverAdmitted(run) ? await options.held(run, command) : run?.ended_at !== null;
    if (settled) await outbox.done(id);
  }

  /** Of a run that waits for its turn the run above may not have heard yet. */
  async function settleAnswered({ id, run_id }: Pick<OutboxItem, 'id' | 'run_id'>, command: CommandRow) {
    const run = await runs.findAny(run_id);
    if (run && wasNeverAdmitted(run)) await options.held(run, command);
    await outbox.done(id);
  }

  async function carry(item: OutboxItem): Promise<void> {
    if (item.kind === 'command') return deliver(item, false);
    const run = await runs.findAny(item.run_id);
    if (run && run.ended_at === null) await start(run);
    await outbox.done(item.id);
  }

  async function carryAll(items: OutboxItem[]): Promise<boolean> {
    let all_went = true;
    for (const item of items)
      await carry(item).catch((error: unknown) => {
        all_went = false;
        onError(error, item);
      });
    return all_went;
  }

  /** One thing at a time for each run, in the order it was accepted here. */
  function inBackground(item: { run_id: string; kind: string }, work: () => Promise<void>): void {
    const promise = (under_way.get(item.run_id) ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) => onError(error, item))
      .finally(() => {
        if (under_way.get(item.run_id) !== promise) return;
        under_way.delete(item.run_id);
        behind.delete(item.run_id);
      });
    under_way.set(item.run_id, promise);
  }

  return {
    // The row in the outbox is removed by the run's first flush, which proves that Temporal has it.
    startSoon: (run) => inBackground({ run_id: run.id, kind: 'start' }, () => start(run)),
    deliverSoon: (item) =>
      inBackground(item, async () => {
        if (!behind.has(item.run_id)) await deliver(item, true);
      }),
    async sweep() {
      const until_ms = options.clock().getTime() + SWEEP_MS;
      for (let total = 0; ;) {
        const items = await outbox.claim(BATCH, LEASE_SECONDS);
        total += items.length;
        const all_went = await carryAll(items);
        if (items.length === 0 || !all_went || options.clock().getTime() > until_ms) return total;
      }
    },
    async idle() {
      await Promise.all(under_way.values());
    },
  };
}

const isTooLate = ({ state, expires_at }: CommandRow, now: Date): boolean =>
  state === 'queued' && expires_at !== null && expires_at <= now;
