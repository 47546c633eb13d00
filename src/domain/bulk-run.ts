import { AppError } from '../contract/errors.ts';
import type { BulkRepository, BulkRow, ItemOutcome } from '../persistence/bulk.ts';
import type { CommandService } from './run-commands.ts';
import type { TuneRequest, TuneService } from './tunes.ts';

/** As the route has checked it. */
type Tuning = Pick<TuneRequest, 'params' | 'nodes'>;

/** Longer than telling one batch takes; whoever dies is followed by another after it. */
export const LEASE_SECONDS = 10;
/** Few enough that the requests of others find a connection. */
const AT_ONCE = 10;

export interface RunnerDeps {
  rows: BulkRepository;
  commands: Pick<CommandService, 'issue'>;
  tunes: Pick<TuneService, 'tune'>;
  onError: (error: unknown, bulk_id: string) => void;
}

/** Tells the runs of a bulk command, batch by batch, until every one has been told or has refused. */
export function bulkRunner({ rows, commands, tunes, onError }: RunnerDeps) {
  const under_way = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function carryOut(bulk: BulkRow): Promise<void> {
    while (!stopping.signal.aborted) {
      const run_ids = await rows.pending(bulk.id, AT_ONCE, LEASE_SECONDS);
      if (run_ids.length === 0) return rows.end(bulk.id);
      await rows.settle(bulk.id, await Promise.all(run_ids.map((run_id) => tell(bulk, run_id))));
    }
  }

  /** A refusal is an outcome; whatever will pass is left for another time. */
  async function tell(bulk: BulkRow, run_id: string): Promise<ItemOutcome> {
    try {
      await issue(bulk, run_id);
      return { run_id, code: null };
    } catch (error) {
      if (!(error instanceof AppError) || LATER.has(error.family)) throw error;
      return { run_id, code: error.code };
    }
  }

  function issue({ id, project_id, created_by, command }: BulkRow, run_id: string) {
    const { type, payload, reason, expires_at } = command;
    const about = {
      project_id,
      run_id,
      // The same at every attempt, so that a run is told once.
      id: `bulk:${id}`,
      reason: reason ?? undefined,
      actor: created_by,
      expiry: expires_at === null ? undefined : { at: new Date(expires_at) },
    };
    if (type !== 'tune') return commands.issue({ ...about, type, payload });
    return tunes.tune({ ...about, ...(payload as Tuning), at: '/command/payload' });
  }

  function run(bulk: BulkRow): Promise<void> {
    const work = carryOut(bulk)
      .catch((error: unknown) => onError(error, bulk.id))
      .finally(() => under_way.delete(work));
    under_way.add(work);
    return work;
  }

  return {
    /** Never rejects: what is left, a sweep finds. */
    runSoon: (bulk: BulkRow) => void run(bulk),
    sweep: async (): Promise<void> => {
      const bulk = await rows.claim(LEASE_SECONDS);
      if (bulk) await run(bulk);
    },
    stop: async (): Promise<void> => {
      stopping.abort();
      await Promise.all(under_way);
    },
  };
}

const LATER: ReadonlySet<string> = new Set(['unavailable', 'internal', 'rate_limited']);
