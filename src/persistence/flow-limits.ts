import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** One key that open runs of a project have, as it stands now. */
export interface LimitRow {
  kind: 'concurrency' | 'rate_limit' | 'start_policy';
  key: string;
  /** Of a start id, which is its workflow's own; null for the keys a project shares. */
  workflow: string | null;
  limit: number | null;
  per_second: number | null;
  /** Open runs that were let in. */
  holders: number;
  waiting: number;
  waiting_since: Date | null;
}

/** Keys may be long: a place in the list is named by a digest of the key. */
export interface LimitPosition {
  kind: string;
  digest: string;
}

export function limitRepository(db: Db) {
  return {
    /** By kind, and in an order of no meaning within it. */
    async list(
      project_id: string,
      limit: number,
      after?: LimitPosition,
    ): Promise<(LimitRow & { digest: string })[]> {
      return run(db, LIST, [project_id, after?.kind ?? '', after?.digest ?? '', limit]);
    },
  };
}

export type LimitRepository = ReturnType<typeof limitRepository>;

const counts = (
  kind: LimitRow['kind'],
  columns: { key: string; workflow?: string; limit?: string; pace?: string },
) => `
  SELECT '${kind}' AS kind, ${columns.key} AS key, ${columns.workflow ?? 'NULL'} AS workflow,
    ${newest(columns.limit, 'integer')} AS "limit", ${newest(columns.pace, 'float8')} AS per_second,
    count(*) FILTER (WHERE admitted_at IS NOT NULL)::integer AS holders,
    count(*) FILTER (WHERE admitted_at IS NULL)::integer AS waiting,
    min(created_at) FILTER (WHERE admitted_at IS NULL) AS waiting_since
  FROM run WHERE project_id = $1 AND ended_at IS NULL AND ${columns.key} IS NOT NULL
  GROUP BY ${[columns.key, columns.workflow].filter(Boolean).join(', ')}`;

const newest = (column: string | undefined, type: string): string =>
  column === undefined ? `NULL::${type}` : `(array_agg(${column} ORDER BY created_at DESC, id DESC))[1]`;

const LIST = statement<LimitRow & { digest: string }>(
  'flow_limits',
  `SELECT * FROM (
     SELECT k.*, md5(coalesce(workflow, '') || '/' || key) AS digest FROM (
       ${counts('concurrency', { key: 'flow_key', limit: 'flow_limit' })}
       UNION ALL ${counts('rate_limit', { key: 'rate_key', pace: 'rate_per_second' })}
       UNION ALL ${counts('start_policy', { key: 'start_id', workflow: 'workflow' })}
     ) k
   ) d WHERE (kind, digest) > ($2, $3) ORDER BY kind, digest LIMIT $4`,
);
