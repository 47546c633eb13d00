import type { Db } from './db.ts';
import type { NewRun } from './runs.ts';
import { run, statement } from './statement.ts';

/** An open run that is in the way of a new one. */
export interface Rival {
  id: string;
  /** It was told to cancel or to terminate, and did not refuse. */
  is_ending: boolean;
  is_terminating: boolean;
}

type Wanted = Pick<NewRun, 'project_id' | 'workflow' | 'more'>;

/** Who is in the way; exact under the locks of the new run's gates. Newest first. */
export function rivalRepository(db: Db) {
  return {
    /** Open runs of the workflow with the same start id. */
    async withId({ project_id, workflow, more }: Wanted): Promise<Rival[]> {
      return run(db, WITH_ID, [project_id, workflow, more.start_id]);
    },

    /** Open runs of the key for which there is no room beside the new one: all but the newest that fit. */
    async aboveLimit({ project_id, more }: Wanted): Promise<Rival[]> {
      return run(db, ABOVE_LIMIT, [project_id, more.flow_key, more.flow_limit]);
    },
  };
}

const isTold = (types: string): string => `EXISTS (
  SELECT FROM run_command c WHERE c.run_id = r.id AND c.type IN (${types}) AND c.state IN ('queued', 'delivered', 'acknowledged'))`;

const rivals = (condition: string): string => `
  SELECT r.id, ${isTold(`'cancel', 'terminate'`)} AS is_ending, ${isTold(`'terminate'`)} AS is_terminating
  FROM run r WHERE r.project_id = $1 AND r.ended_at IS NULL AND ${condition} ORDER BY r.created_at DESC, r.id DESC`;

const WITH_ID = statement<Rival>('flow_with_id', rivals('r.workflow = $2 AND r.start_id = $3'));

const ABOVE_LIMIT = statement<Rival>(
  'flow_above_limit',
  `${rivals('r.flow_key = $2')} OFFSET $3::integer - 1`,
);
