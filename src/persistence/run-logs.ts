import type { JsonObject } from '../contract/json.ts';
import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

export interface LogEventRow {
  seq: number;
  time: Date;
  data: JsonObject;
}

/** What the steps of a run wrote. */
export function runLogRepository(db: Db) {
  return {
    async after(run_id: string, seq: number, limit: number): Promise<LogEventRow[]> {
      return run(db, AFTER, [run_id, seq, limit]);
    },
  };
}

export type RunLogRepository = ReturnType<typeof runLogRepository>;

// Members of `data` are not looked at here: output may hold U+0000, and PostgreSQL reads none of a json that does.
const AFTER = statement<LogEventRow>(
  'run_logs_after',
  `SELECT seq, time, data FROM run_event WHERE run_id = $1 AND seq > $2 AND type = 'step.log' ORDER BY seq LIMIT $3`,
);
