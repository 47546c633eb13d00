import { eq, gte, sql, type SQL } from 'drizzle-orm';
import type { RunState, RunType } from '../contract/run.ts';
import { run as runTable } from './schema/runs.ts';

export interface RunFilter {
  states?: RunState[];
  workflow?: string;
  type?: RunType;
  health?: (typeof runTable.$inferSelect)['health'];
  labels?: Record<string, string>;
  created_after?: Date;
  parent_run_id?: string;
}

export interface RunPosition {
  created_at: Date;
  id: string;
}

/** What a list is narrowed to; a bulk command takes the same. */
export function runConditions(filter: RunFilter): (SQL | undefined)[] {
  return [
    filter.states && sql`${runTable.state} = ANY (${sql.param(filter.states)}::text[])`,
    filter.workflow === undefined ? undefined : eq(runTable.workflow, filter.workflow),
    filter.type === undefined ? undefined : eq(runTable.type, filter.type),
    filter.health && eq(runTable.health, filter.health),
    filter.labels && sql`${runTable.labels} @> ${JSON.stringify(filter.labels)}::jsonb`,
    filter.parent_run_id === undefined ? undefined : eq(runTable.parent_run_id, filter.parent_run_id),
    filter.created_after && gte(runTable.created_at, filter.created_after),
  ];
}

/** Behind this run in a list, newest first. */
export function olderThan({ created_at, id }: RunPosition): SQL {
  return sql`(${runTable.created_at}, ${runTable.id}) < (${created_at.toISOString()}::timestamptz, ${id}::uuid)`;
}
