import { workflowInfo } from '@temporalio/workflow';
import type { JournalEntry, JournalFlush, RunEnd, RunOutcome } from '../src/contract/journal.ts';
import type { FinalState, RunState } from '../src/contract/run.ts';
import { local } from './options.ts';
import { jsonBytes } from './values.ts';

/** Well under the 128 KiB no payload may exceed. */
const FLUSH_BYTES = 64 * 1024;
/** Enough for an entry without output, so that counting costs nothing on the hot path. */
const ENTRY_BYTES = 400;

export interface JournalPosition {
  done: number;
  total: number;
  in_flight: number;
  current_step: string | null;
}

/** The run ended in a workflow task that Temporal had done again: there is nothing left to do but to close. */
export class RunHasEnded extends Error {
  readonly state: FinalState;
  constructor(state: FinalState) {
    super(`The run has ended: ${state}.`);
    this.state = state;
  }
}

/** The light steps and state changes that are not yet in the database, in order. */
export interface Journal {
  note(entry: Omit<JournalEntry, 'at_ms'>): void;
  isEmpty(): boolean;
  /** Makes everything noted so far durable. One local activity, more only above 64 KiB. */
  flush(): Promise<void>;
  /** Writes what is left together with the end of the run; answers the final state that stands. */
  end(outcome: RunOutcome, about: Pick<RunEnd, 'run' | 'type' | 'version_hash'>): Promise<FinalState>;
  seq(): number;
}

interface JournalOptions {
  run_id: string;
  epoch: number;
  /** The last sequence number an earlier execution of this run used. */
  seq: number;
  /** False when steps of the run were recorded by another one. */
  is_whole: boolean;
  position: () => JournalPosition;
  state: () => RunState;
}

export function createJournal({
  run_id,
  epoch,
  seq: first,
  is_whole,
  position,
  state,
}: JournalOptions): Journal {
  let seq = first;
  let pending: JournalEntry[] = [];

  const flushOf = (entries: JournalEntry[]): JournalFlush => ({
    run_id,
    epoch,
    seq: ++seq,
    history_length: workflowInfo().historyLength,
    entries,
    ...position(),
  });

  function takeParts(): JournalEntry[][] {
    const entries = pending;
    pending = [];
    return inParts(entries);
  }

  /** `arrives_at`: where the run is after the last of these parts; nothing when more is to follow. */
  async function flushAll(parts: JournalEntry[][], arrives_at?: RunState): Promise<void> {
    for (const part of parts) {
      const is_last = part === parts.at(-1);
      const ended_as = await local.flushJournal({
        ...flushOf(part),
        ...(is_last && arrives_at !== undefined ? { state: arrives_at } : {}),
      });
      if (ended_as) throw new RunHasEnded(ended_as);
    }
  }

  return {
    note: (entry) => void pending.push({ ...entry, at_ms: Date.now() }),
    isEmpty: () => pending.length === 0,
    flush: () => flushAll(takeParts(), state()),
    end(outcome, about) {
      const parts = takeParts();
      const last = parts.pop() ?? [];
      const endRun = () => {
        const complete = seq === 0 && is_whole;
        return local.endRun({ ...flushOf(last), ...about, outcome, complete });
      };
      return parts.length > 0 ? flushAll(parts).then(endRun) : endRun();
    },
    seq: () => seq,
  };
}

/** Cuts a list of entries so that no flush outgrows a payload. */
function inParts(entries: JournalEntry[]): JournalEntry[][] {
  const parts: JournalEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = entryBytes(entry);
    if (bytes > room) {
      parts.push([]);
      room = FLUSH_BYTES;
    }
    parts.at(-1)?.push(entry);
    room -= bytes;
  }
  return parts;
}

function entryBytes(entry: JournalEntry): number {
  const output = entry.step?.output;
  return ENTRY_BYTES + (output === undefined || output === null ? 0 : jsonBytes(output));
}
