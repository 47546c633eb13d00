import { gateName, gatesIn, type AdmissionRepository, type Gate } from '../persistence/flow-admission.ts';
import type { FlowKeys } from '../persistence/run-journal.ts';
import type { RunRow } from '../persistence/runs.ts';
import { SWEEP_AFTER_MS, type RunDispatch } from './run-dispatch.ts';

interface Deps {
  admissions: AdmissionRepository;
  dispatch: Pick<RunDispatch, 'startSoon'>;
  clock: () => Date;
  onError: (error: unknown, gate: string) => void;
}

/**
 * Lets waiting runs start as soon as there is room: when one is accepted, when one of their key has ended, at the beat of
 * their rate, and by the sweep for whatever a crash left. Admitting twice is impossible, so it is tried whenever in doubt.
 */
export interface RunAdmission {
  /** Admits everybody who may go now at the gates of these keys; answers who did, as far as this call saw to it. */
  admit(keys: FlowKeys): Promise<RunRow[]>;
  /** The same in the background. Never rejects: the sweep comes after it. */
  admitSoon(keys: FlowKeys): void;
  sweep(): Promise<void>;
  /** Resolves when nobody is being admitted; from then on no beat is waited for. */
  stop(): Promise<void>;
}

/** A beat further away is left to the sweep, which comes by before it. */
const LONGEST_TIMER_MS = 60_000;
const SWEEP_GATES = 500;

export function runAdmission({ admissions, dispatch, clock, onError }: Deps): RunAdmission {
  const passing = new Map<string, { again: boolean; done: Promise<RunRow[]> }>();
  const beats = new Map<string, NodeJS.Timeout>();
  const under_way = new Set<Promise<unknown>>();
  let is_stopped = false;

  /** One at a time to a gate: who comes meanwhile makes whoever is at it look once more. */
  function pass(gate: Gate): Promise<RunRow[]> {
    const name = gateName(gate);
    const other = passing.get(name);
    if (other) {
      other.again = true;
      return other.done;
    }
    const turn = { again: false, done: Promise.resolve<RunRow[]>([]) };
    turn.done = passWhileAsked(gate, turn).finally(() => passing.delete(name));
    passing.set(name, turn);
    return turn.done;
  }

  async function passWhileAsked(gate: Gate, turn: { again: boolean }): Promise<RunRow[]> {
    const admitted: RunRow[] = [];
    do {
      turn.again = false;
      admitted.push(...(await passAll(gate)));
    } while (turn.again);
    return admitted;
  }

  async function passAll(gate: Gate): Promise<RunRow[]> {
    const admitted: RunRow[] = [];
    for (;;) {
      // Before the look: a beat that is due by then is found by it.
      const wait_ms = gate.kind === 'rate' ? await admissions.untilBeat(gate) : 0;
      const candidate = await admissions.next(gate);
      if (!candidate) {
        if (wait_ms > 0) passAt(gate, wait_ms);
        return admitted;
      }
      const run = await admissions.admit(candidate, new Date(clock().getTime() + SWEEP_AFTER_MS));
      if (!run) continue;
      dispatch.startSoon(run, run.id);
      admitted.push(run);
    }
  }

  function passAt(gate: Gate, wait_ms: number): void {
    const name = gateName(gate);
    if (is_stopped || wait_ms > LONGEST_TIMER_MS) return;
    clearTimeout(beats.get(name));
    const timer = setTimeout(() => {
      beats.delete(name);
      inBackground(name, () => pass(gate));
    }, wait_ms);
    beats.set(name, timer.unref());
  }

  function inBackground(gate: string, work: () => Promise<unknown>): void {
    const promise = work()
      .catch((error: unknown) => onError(error, gate))
      .finally(() => under_way.delete(promise));
    under_way.add(promise);
  }

  async function admit(keys: FlowKeys): Promise<RunRow[]> {
    const gates = gatesIn(keys);
    const admitted: RunRow[] = [];
    for (const gate of gates.filter(({ kind }) => kind !== 'rate')) admitted.push(...(await pass(gate)));
    // Whoever was admitted has taken a beat, and others may wait for the next one.
    const rates = [keys, ...admitted].flatMap(gatesIn).filter(({ kind }) => kind === 'rate');
    for (const gate of new Map(rates.map((rate) => [gateName(rate), rate])).values())
      admitted.push(...(await pass(gate)));
    return admitted;
  }

  return {
    admit,
    admitSoon: (keys) => inBackground(keys.project_id, () => admit(keys)),
    async sweep() {
      for (const gate of await admissions.passable(SWEEP_GATES))
        await pass(gate).catch((error: unknown) => onError(error, gateName(gate)));
    },
    async stop() {
      is_stopped = true;
      beats.forEach((timer) => clearTimeout(timer));
      await Promise.all(under_way);
    },
  };
}
