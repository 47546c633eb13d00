import { and, desc, eq, inArray, isNotNull } from 'drizzle-orm';
import type { Json, JsonObject } from '../contract/json.ts';
import type { Db } from './db.ts';
import type { RunRow } from './runs.ts';
import { run as runTable, type step } from './schema/runs.ts';
import { run, statement } from './statement.ts';

type StepRow = typeof step.$inferSelect;

/** A step that has ended, and how many bytes its output has in its row. */
export type EndedStepRow = Pick<
  StepRow,
  'node' | 'state' | 'output' | 'output_ref' | 'error' | 'cause' | 'attempt' | 'started_at' | 'ended_at'
> & { output_bytes: number };

/** What runs have on record, for another version to be tried on it. */
export function backTestRepository(db: Db) {
  return {
    /** The newest runs of a workflow that went to an end of their own, newest first. */
    async ended(project_id: string, workflow: string, limit: number): Promise<RunRow[]> {
      return db
        .select()
        .from(runTable)
        .where(
          and(
            eq(runTable.project_id, project_id),
            eq(runTable.workflow, workflow),
            eq(runTable.type, 'dag'),
            eq(runTable.executor, 'temporal'),
            inArray(runTable.state, ['completed', 'failed']),
            isNotNull(runTable.version_hash),
          ),
        )
        .orderBy(desc(runTable.created_at), desc(runTable.id))
        .limit(limit);
    },

    /** The newest attempt of every step, without the items of maps. */
    steps: async (run_id: string): Promise<EndedStepRow[]> => run(db, STEPS, [run_id]),

    /** What a run was tuned with, in that order. */
    tunes: async (run_id: string): Promise<{ payload: JsonObject; applied: Json }[]> =>
      run(db, TUNES, [run_id]),
  };
}

export type BackTestRepository = ReturnType<typeof backTestRepository>;

const STEPS = statement<EndedStepRow>(
  'back_test_steps',
  `SELECT DISTINCT ON (node) node, state, output, output_ref, error, cause, attempt, started_at, ended_at,
     coalesce(octet_length(output::text), 0) AS output_bytes
   FROM step WHERE run_id = $1 AND item < 0 ORDER BY node, epoch DESC, attempt DESC`,
);

const TUNES = statement<{ payload: JsonObject; applied: Json }>(
  'back_test_tunes',
  `SELECT payload, applied FROM run_command
   WHERE run_id = $1 AND type = 'tune' AND state = 'acknowledged' ORDER BY acknowledged_at, seq`,
);
