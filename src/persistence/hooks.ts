import type { Db } from './db.ts';
import type { WorkflowKey } from './live-tags.ts';
import type { hook } from './schema/triggers.ts';
import { run, runOne, statement } from './statement.ts';

export type HookRow = typeof hook.$inferSelect;

const FIND = statement<HookRow>('hook_find', 'SELECT * FROM hook WHERE id = $1');

const LIST = statement<HookRow>(
  'hook_list',
  'SELECT * FROM hook WHERE project_id = $1 AND workflow = $2 AND name = ANY ($3::text[])',
);

const ADD = statement<never>(
  'hook_add',
  `INSERT INTO hook (id, project_id, workflow, name) SELECT id, $1, $2, name FROM unnest($3::uuid[], $4::text[]) AS x(id, name)
   ON CONFLICT (project_id, workflow, name) DO NOTHING`,
);

/** The addresses of triggers. */
export function hookRepository(db: Db) {
  const list = (workflow: WorkflowKey, names: readonly string[]): Promise<HookRow[]> =>
    run(db, LIST, [workflow.project_id, workflow.workflow, names]);
  return {
    find: (id: string): Promise<HookRow | undefined> => runOne(db, FIND, [id]),

    /** The address of each of these triggers; one that has none is given one. */
    async ensure(workflow: WorkflowKey, names: readonly string[], newId: () => string): Promise<HookRow[]> {
      const there = await list(workflow, names);
      const without = names.filter((name) => there.every((row) => row.name !== name));
      if (without.length === 0) return there;
      await run(db, ADD, [workflow.project_id, workflow.workflow, without.map(() => newId()), without]);
      return list(workflow, names);
    },
  };
}

export type HookRepository = ReturnType<typeof hookRepository>;
