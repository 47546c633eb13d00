import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { WaitProgress } from '../src/contract/workflows.ts';

export interface WaitEnd {
  waited_ms: number;
  timed_out: boolean;
  wait: Readonly<WaitProgress>;
}

interface Wait extends WaitProgress {
  armed_at_ms?: number;
  scope?: CancellationScope;
}

/** The waits of a run. A pause stops their clocks; what is left runs on after it. */
export interface Waits {
  begin(id: string, wait: WaitProgress): void;
  /** Stops every clock. */
  hold(): void;
  /** Lets every stopped clock run on. */
  release(): void;
  isHeld(): boolean;
  get(id: string): Readonly<WaitProgress> | undefined;
  /** The ids of those that `matches`, in the order they began. */
  select(matches: (wait: Readonly<WaitProgress>) => boolean): string[];
  /** Ends one before its time; answers how long it was. */
  finish(id: string): { waited_ms: number };
  /** Ends every wait now; answers their ids. */
  cancelAll(): string[];
  progress(): Record<string, WaitProgress>;
}

export function createWaits(onEnd: (id: string, end: WaitEnd) => void): Waits {
  const waits = new Map<string, Wait>();
  let held = false;

  function arm(id: string, wait: Wait): void {
    if (wait.scope) return;
    const now = Date.now();
    const left = wait.until_ms === undefined ? wait.remaining_ms : Math.max(0, wait.until_ms - now);
    if (left === null) return;
    wait.armed_at_ms = now;
    wait.scope = new CancellationScope();
    wait.scope
      .run(() => sleep(left))
      .then(() => {
        waits.delete(id);
        onEnd(id, { waited_ms: Date.now() - wait.started_at_ms, timed_out: wait.times_out, wait });
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }

  function disarm(wait: Wait): void {
    if (wait.armed_at_ms !== undefined && wait.remaining_ms !== null) {
      wait.remaining_ms = Math.max(0, wait.remaining_ms - (Date.now() - wait.armed_at_ms));
    }
    wait.scope?.cancel();
    wait.scope = undefined;
    wait.armed_at_ms = undefined;
  }

  return {
    begin(id, progress) {
      const wait: Wait = { ...progress };
      waits.set(id, wait);
      if (!held) arm(id, wait);
    },
    hold() {
      if (!held) waits.forEach((wait) => disarm(wait));
      held = true;
    },
    release() {
      if (held) waits.forEach((wait, id) => arm(id, wait));
      held = false;
    },
    isHeld: () => held,
    get: (id) => waits.get(id),
    select: (matches) => [...waits].filter(([, wait]) => matches(wait)).map(([id]) => id),
    finish(id) {
      const wait = waits.get(id);
      if (!wait) return { waited_ms: 0 };
      disarm(wait);
      waits.delete(id);
      return { waited_ms: Date.now() - wait.started_at_ms };
    },
    cancelAll() {
      const ids = [...waits.keys()];
      waits.forEach((wait) => disarm(wait));
      waits.clear();
      return ids;
    },
    progress: () =>
      Object.fromEntries(
        [...waits].map(([id, { armed_at_ms, scope: _, ...wait }]) => {
          const run_off = armed_at_ms === undefined ? 0 : Date.now() - armed_at_ms;
          const { remaining_ms } = wait;
          return [
            id,
            { ...wait, remaining_ms: remaining_ms === null ? null : Math.max(0, remaining_ms - run_off) },
          ];
        }),
      ),
  };
}
