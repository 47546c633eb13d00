import type { Json } from '../contract/json.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** What an analysis of one thing came to. */
export interface AnalysisReport {
  run_id: string;
  project_id: string;
  /** What was analysed, the same from one analysis to the next. */
  subject: string;
  revision: string;
  score: number;
  findings_ref: string;
}

const FIND = statement<{ key: string; result: Json }>(
  'analysis_find',
  `SELECT key, result FROM analysis_result WHERE key = ANY ($1::text[])`,
);

const KEEP = statement<never>(
  'analysis_keep',
  `INSERT INTO analysis_result (key, result)
   SELECT * FROM unnest($1::text[], $2::json[]) ON CONFLICT (key) DO NOTHING`,
);

const FORGET = statement<never>(
  'analysis_forget',
  `DELETE FROM analysis_result WHERE created_at < now() - make_interval(days => $1)`,
);

const LAST = statement<AnalysisReport>(
  'analysis_last',
  `SELECT run_id, project_id, subject, revision, score, findings_ref FROM analysis_report
   WHERE project_id = $1 AND subject = $2 AND run_id <> $3 ORDER BY created_at DESC LIMIT 1`,
);

const RECORD = statement<never>(
  'analysis_record',
  `INSERT INTO analysis_report (run_id, project_id, subject, revision, score, findings_ref)
   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (run_id) DO NOTHING`,
);

/** What was found before, and what it came to. */
export function analysisRepository(db: Db) {
  return {
    async find(keys: readonly string[]): Promise<Map<string, Json>> {
      const rows = await run(db, FIND, [keys]);
      return new Map(rows.map(({ key, result }) => [key, result]));
    },

    async keep(results: ReadonlyMap<string, Json>): Promise<void> {
      const values = [...results.values()].map((result) => JSON.stringify(result));
      await run(db, KEEP, [[...results.keys()], values]);
    },

    /** Forgets what was found longer ago. */
    async forget(days: number): Promise<void> {
      await run(db, FORGET, [days]);
    },

    /** The newest report of the same thing by another run. */
    last: (of: Pick<AnalysisReport, 'project_id' | 'subject' | 'run_id'>) =>
      runOne(db, LAST, [of.project_id, of.subject, of.run_id]),

    async record({ run_id, project_id, subject, revision, score, findings_ref }: AnalysisReport) {
      await run(db, RECORD, [run_id, project_id, subject, revision, score, findings_ref]);
    },
  };
}

export type AnalysisRepository = ReturnType<typeof analysisRepository>;
