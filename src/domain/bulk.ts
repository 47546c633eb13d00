import { AppError, type ErrorCode } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { isFinal } from '../contract/run.ts';
import type { BulkCounts, BulkOrder, BulkRepository, BulkRow, Rejection } from '../persistence/bulk.ts';
import type { RunFilter } from '../persistence/run-filter.ts';
import { acceptedIn } from './rules/run-command.ts';
import { bulkRunner, LEASE_SECONDS, type RunnerDeps } from './bulk-run.ts';
import type { Page } from './tags.ts';

export type { BulkOrder } from '../persistence/bulk.ts';

export interface BulkRequest {
  project_id: string;
  /** As the caller wrote it, for those who ask later. */
  filter: JsonObject;
  runs: RunFilter;
  command: BulkOrder;
  actor: string;
}

/** A bulk command and how far it is. */
export interface BulkProgress extends BulkRow, Omit<BulkCounts, 'rejected'> {
  rejected_count: number;
  rejected: Page<Rejection, string>;
}

/** What a bulk command would do now. */
export interface BulkPreview {
  matched: number;
  accepted: number;
  /** The first of them. */
  rejected: Rejection[];
}

interface Deps extends RunnerDeps {
  rows: BulkRepository;
  ids: () => string;
}

const SHOWN = 100;

export type BulkService = ReturnType<typeof bulkService>;

/**
 * One command for every run that a filter matches. The runs are noted with the order, in one statement; each is then told
 * under an id that is the same however often it is tried, by whichever process has the lease.
 */
export function bulkService(deps: Deps) {
  const { rows, ids } = deps;
  const runner = bulkRunner(deps);

  async function progress(
    row: BulkRow,
    { after, limit }: { after?: string; limit: number },
  ): Promise<BulkProgress> {
    const { pending, accepted, rejected: rejected_count } = await rows.counts(row.id);
    const found = await rows.rejections(row.id, after, limit + 1);
    const items = found.slice(0, limit);
    const next = found.length > limit ? items.at(-1)?.run_id : undefined;
    return { ...row, pending, accepted, rejected_count, rejected: { items, next } };
  }

  return {
    /** Durable before it is answered, and under way. */
    async start({ project_id, filter, runs, command, actor }: BulkRequest): Promise<BulkProgress> {
      const order = { id: ids(), project_id, filter, runs, command, created_by: actor };
      const row = await rows.insert({ ...order, lease_seconds: LEASE_SECONDS });
      runner.runSoon(row);
      return progress(row, { limit: SHOWN });
    },

    /** What it would do now, by the states the runs are in; nothing is kept. */
    async preview({
      project_id,
      runs,
      command,
    }: Omit<BulkRequest, 'filter' | 'actor'>): Promise<BulkPreview> {
      const takes = acceptedIn(command.type, false);
      const found = await rows.matching(project_id, runs);
      const total = (counted: typeof found) => counted.reduce((sum, { count }) => sum + count, 0);
      const refusing = found.map(({ state }) => state).filter((state) => !takes.includes(state));
      const some = refusing.length > 0 ? await rows.someMatching(project_id, runs, refusing, SHOWN) : [];
      return {
        matched: total(found),
        accepted: total(found.filter(({ state }) => takes.includes(state))),
        rejected: some.map(({ run_id, state }) => ({ run_id, code: refusalOf(isFinal(state)) })),
      };
    },

    /** Throws `not_found`. */
    async get(
      project_id: string,
      id: string,
      page: { after?: string; limit: number },
    ): Promise<BulkProgress> {
      const row = await rows.find(project_id, id);
      if (!row) throw new AppError('not_found');
      return progress(row, page);
    },

    /** Carries on with what another process has left. */
    sweep: runner.sweep,
    /** Ends after the runs that are being told. */
    stop: runner.stop,
  };
}

const refusalOf = (is_final: boolean): ErrorCode => (is_final ? 'run_final' : 'state_conflict');
