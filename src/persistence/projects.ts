import type { AgePlace } from '../contract/age-place.ts';
import type { ProjectSettings } from '../contract/project-settings.ts';
import type { Db } from './db.ts';
import type { project } from './schema/projects.ts';
import { run, runOne, statement } from './statement.ts';

export type ProjectRow = Omit<typeof project.$inferSelect, 'settings' | 'settings_version' | 'deleted_at'>;
export type ProjectStatus = ProjectRow['status'];
export type NewProject = Pick<ProjectRow, 'id' | 'name' | 'description' | 'type' | 'created_by'>;
/** What is left out stays. */
export type ProjectChange = Partial<Pick<ProjectRow, 'name' | 'description' | 'type' | 'status'>>;

export interface ProjectFilter {
  /** The only ones there are for whoever asks. */
  among?: readonly string[];
  status?: ProjectStatus;
  type?: string;
}

export interface ProjectStandingRow extends Pick<ProjectRow, 'status'> {
  settings: Partial<ProjectSettings>;
}

/** What goes on in a project. */
export interface ProjectUsage {
  open_runs: number;
  /** The newest of them. */
  runs: { id: string; type: string; workflow: string | null; state: string }[];
  /** Releases that are live or on their way, by environment. */
  environments: { name: string; releases: number }[];
}

/** Projects; a deleted one is none. */
export function projectRepository(db: Db) {
  return {
    find: (id: string): Promise<ProjectRow | undefined> => runOne(db, FIND, [id]),

    /** What every call in a project has to know of it. */
    standing: (id: string): Promise<ProjectStandingRow | undefined> => runOne(db, STANDING, [id]),

    /** Newest first. */
    list({ among, status, type }: ProjectFilter, limit: number, after?: AgePlace): Promise<ProjectRow[]> {
      const place = [after?.created_at ?? null, after?.id ?? null];
      return run(db, LIST, [limit, among ?? null, status ?? null, type ?? null, ...place]);
    },

    /** With its first owner, where that is a user. Undefined: there is one of that name. */
    insert(
      { id, name, description, type, created_by }: NewProject,
      owner_id?: string,
    ): Promise<ProjectRow | undefined> {
      return runOne(db, INSERT, [id, name, description, type, created_by, owner_id ?? null]);
    },

    /** Undefined: it is not there, or at another version. Rejects as a database does when the name is taken. */
    update(id: string, change: ProjectChange, version?: number): Promise<ProjectRow | undefined> {
      const { name = null, description = null, type = null, status = null } = change;
      return runOne(db, UPDATE, [id, version ?? null, name, description, type, status]);
    },

    /** Undefined: it is not there, or not archived, or at another version. */
    remove: (id: string, version?: number): Promise<ProjectRow | undefined> =>
      runOne(db, REMOVE, [id, version ?? null]),

    async usage(id: string): Promise<ProjectUsage> {
      return (await runOne(db, USAGE, [id, RUNS_SHOWN]))!;
    },
  };
}

export type ProjectRepository = ReturnType<typeof projectRepository>;

const RUNS_SHOWN = 20;
const COLUMNS = 'id, name, description, type, status, version, created_by, created_at, updated_at';

const FIND = statement<ProjectRow>(
  'project_find',
  `SELECT ${COLUMNS} FROM project WHERE id = $1 AND status <> 'deleted'`,
);

const STANDING = statement<ProjectStandingRow>(
  'project_standing',
  `SELECT status, settings FROM project WHERE id = $1 AND status <> 'deleted'`,
);

// A cursor carries milliseconds: the order must not know more.
const MADE = `date_trunc('milliseconds', created_at AT TIME ZONE 'UTC')`;

const LIST = statement<ProjectRow>(
  'project_list',
  `SELECT ${COLUMNS} FROM project
   WHERE status <> 'deleted' AND ($2::uuid[] IS NULL OR id = ANY ($2)) AND ($3::text IS NULL OR status = $3)
     AND ($4::text IS NULL OR type = $4)
     AND ($5::timestamptz IS NULL OR (${MADE}, id) < ($5::timestamptz AT TIME ZONE 'UTC', $6::uuid))
   ORDER BY ${MADE} DESC, id DESC LIMIT $1`,
);

const INSERT = statement<ProjectRow>(
  'project_insert',
  `WITH made AS (
     INSERT INTO project (id, name, description, type, created_by) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) WHERE status <> 'deleted' DO NOTHING RETURNING ${COLUMNS}
   ), owned AS (
     INSERT INTO project_member (project_id, user_id, role, added_by)
     SELECT id, $6::uuid, 'owner', created_by FROM made WHERE $6::uuid IS NOT NULL
   )
   SELECT * FROM made`,
);

const AT_VERSION = `id = $1 AND ($2::integer IS NULL OR version = $2)`;

const UPDATE = statement<ProjectRow>(
  'project_update',
  `UPDATE project SET name = coalesce($3, name), description = coalesce($4, description), type = coalesce($5, type),
     status = coalesce($6, status), version = version + 1, updated_at = now()
   WHERE ${AT_VERSION} AND status <> 'deleted' RETURNING ${COLUMNS}`,
);

const REMOVE = statement<ProjectRow>(
  'project_remove',
  `UPDATE project SET status = 'deleted', deleted_at = now(), version = version + 1, updated_at = now()
   WHERE ${AT_VERSION} AND status = 'archived' RETURNING ${COLUMNS}`,
);

const USAGE = statement<ProjectUsage>(
  'project_usage',
  `WITH open AS (SELECT id, type, workflow, state FROM run WHERE project_id = $1 AND ended_at IS NULL)
   SELECT (SELECT count(*)::int FROM open) AS open_runs,
     (SELECT coalesce(json_agg(shown), '[]') FROM (SELECT * FROM open ORDER BY id DESC LIMIT $2) shown) AS runs,
     (SELECT coalesce(json_agg(used), '[]') FROM (
        SELECT e.name, count(*)::int AS releases FROM environment e JOIN release r ON r.environment_id = e.id
        WHERE e.project_id = $1 AND r.state IN ('deploying', 'live') GROUP BY e.name ORDER BY e.name
      ) used) AS environments`,
);
