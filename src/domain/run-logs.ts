import { AppError } from '../contract/errors.ts';
import type { LogEventRow, RunLogRepository } from '../persistence/run-logs.ts';
import type { RunRepository } from '../persistence/runs.ts';

export interface LogFilter {
  node?: string;
  stream?: string;
  item?: number;
}

/** A piece of a step's output: what the program wrote in a short while. */
export interface LogEntry {
  seq: number;
  time: string;
  node: string;
  /** In a map, which of its items. */
  item: number | null;
  attempt: number;
  stream: string;
  text: string;
}

export interface LogPage {
  items: LogEntry[];
  /** After which event to go on; undefined at the end. */
  next?: number;
}

interface Deps {
  runs: Pick<RunRepository, 'find'>;
  logs: RunLogRepository;
}

const BATCH = 500;
/** A filter that fits nothing must not make one request read a whole log. */
const BATCHES_PER_PAGE = 10;

/** What the steps of a run wrote, in order. All throw `not_found` for an unknown or foreign run. */
export function runLogs({ runs, logs }: Deps) {
  async function requireRun(project_id: string, id: string): Promise<void> {
    if (!(await runs.find(project_id, id))) throw new AppError('not_found');
  }

  async function read(id: string, filter: LogFilter, after: number, limit: number): Promise<LogPage> {
    const items: LogEntry[] = [];
    let last = after;
    for (let batch = 0; batch < BATCHES_PER_PAGE; batch++) {
      const rows = await logs.after(id, last, BATCH);
      for (const row of rows) {
        const entry = entryOf(row);
        if (!fits(entry, filter)) continue;
        if (items.length === limit) return { items, next: items.at(-1)!.seq };
        items.push(entry);
      }
      if (rows.length < BATCH) return { items };
      last = rows.at(-1)!.seq;
    }
    return { items, next: last };
  }

  return {
    /** A page; it may be short, or empty, and still have one after it. */
    async page(
      { project_id, id }: { project_id: string; id: string },
      filter: LogFilter,
      after: number,
      limit: number,
    ): Promise<LogPage> {
      await requireRun(project_id, id);
      return read(id, filter, after, limit);
    },

    /** All of it as text, batch by batch. */
    async *text(project_id: string, id: string, filter: LogFilter): AsyncGenerator<Buffer> {
      await requireRun(project_id, id);
      for (let after: number | undefined = 0; after !== undefined;) {
        const { items, next }: LogPage = await read(id, filter, after, BATCH);
        yield Buffer.from(items.map(({ text }) => text).join(''));
        after = next;
      }
    },
  };
}

export type RunLogs = ReturnType<typeof runLogs>;

function entryOf({ seq, time, data }: LogEventRow): LogEntry {
  const { node, item = null, attempt, stream, text } = data as Partial<LogEntry>;
  return {
    seq,
    time: time.toISOString(),
    node: node ?? '',
    item,
    attempt: attempt ?? 1,
    stream: stream ?? '',
    text: text ?? '',
  };
}

function fits(entry: LogEntry, { node, stream, item }: LogFilter): boolean {
  return (
    (node === undefined || entry.node === node) &&
    (stream === undefined || entry.stream === stream) &&
    (item === undefined || entry.item === item)
  );
}
