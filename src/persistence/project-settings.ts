import type { ProjectSettings } from '../contract/project-settings.ts';
import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';

/** What a project has set; what it never set is left out. */
export interface SettingsRow {
  settings: Partial<ProjectSettings>;
  version: number;
}

/** Settings of projects; a deleted one has none. */
export function projectSettingsRepository(db: Db) {
  return {
    find: (project_id: string): Promise<SettingsRow | undefined> => runOne(db, FIND, [project_id]),

    /** Takes the place of what was set. Undefined: there is no such project, or its settings are at another version. */
    put(project_id: string, settings: ProjectSettings, version?: number): Promise<SettingsRow | undefined> {
      return runOne(db, PUT, [project_id, version ?? null, JSON.stringify(settings)]);
    },
  };
}

export type ProjectSettingsRepository = ReturnType<typeof projectSettingsRepository>;

const FIND = statement<SettingsRow>(
  'project_settings_find',
  `SELECT settings, settings_version AS version FROM project WHERE id = $1 AND status <> 'deleted'`,
);

const PUT = statement<SettingsRow>(
  'project_settings_put',
  `UPDATE project SET settings = $3::jsonb, settings_version = settings_version + 1
   WHERE id = $1 AND status <> 'deleted' AND ($2::integer IS NULL OR settings_version = $2)
   RETURNING settings, settings_version AS version`,
);
