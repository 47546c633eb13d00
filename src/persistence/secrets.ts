import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** A version of a secret as everybody who may know of it sees it. */
export interface SecretVersion {
  version: number;
  created_by: string;
  created_at: Date;
  deleted_by: string | null;
  deleted_at: Date | null;
}

/** A secret as its latest version is. */
export type SecretRow = Pick<SecretVersion, 'version' | 'created_by' | 'created_at'> & { name: string };

/** What is needed to read a value; `sealed` for (project, name, version). */
export interface SealedSecret {
  name: string;
  version: number;
  sealed: string;
}

const LIST = statement<SecretRow>(
  'secret_list',
  `SELECT DISTINCT ON (name) name, version, created_by, created_at FROM project_secret
   WHERE project_id = $1 AND name > $2 AND deleted_at IS NULL ORDER BY name, version DESC LIMIT $3`,
);

const LATEST = statement<SealedSecret>(
  'secret_latest',
  `SELECT DISTINCT ON (name) name, version, sealed FROM project_secret
   WHERE project_id = $1 AND name = ANY ($2::text[]) AND deleted_at IS NULL ORDER BY name, version DESC`,
);

const VERSIONS = statement<SecretVersion>(
  'secret_versions',
  `SELECT version, created_by, created_at, deleted_by, deleted_at FROM project_secret
   WHERE project_id = $1 AND name = $2 ORDER BY version DESC LIMIT $3`,
);

// Writes of one project come one after the other.
const TURN = statement<never>('secret_turn', 'SELECT FROM project WHERE id = $1 FOR NO KEY UPDATE');

const LAST = statement<{ version: number; names: number }>(
  'secret_last',
  `SELECT coalesce(max(version) FILTER (WHERE name = $2), 0)::integer AS version,
     count(DISTINCT name) FILTER (WHERE deleted_at IS NULL)::integer AS names
   FROM project_secret WHERE project_id = $1`,
);

const INSERT = statement<SecretRow>(
  'secret_insert',
  `INSERT INTO project_secret (project_id, name, version, sealed, created_by) VALUES ($1, $2, $3, $4, $5)
   RETURNING name, version, created_by, created_at`,
);

const WIPE = statement<never>(
  'secret_wipe',
  `UPDATE project_secret SET sealed = NULL, deleted_by = $3, deleted_at = clock_timestamp()
   WHERE project_id = $1 AND name = $2 AND deleted_at IS NULL`,
);

const access = (db: Db) => ({
  /** The latest versions that are sealed, of those names there are; what is deleted has none. */
  latest: (project_id: string, names: readonly string[]): Promise<SealedSecret[]> =>
    run(db, LATEST, [project_id, names]),

  /** By name, after the name `after`. */
  list: (project_id: string, { after, limit }: { after: string; limit: number }): Promise<SecretRow[]> =>
    run(db, LIST, [project_id, after, limit]),

  /** The newest first, deleted ones too. */
  versions: (project_id: string, name: string, limit: number): Promise<SecretVersion[]> =>
    run(db, VERSIONS, [project_id, name, limit]),
});

const changes = (tx: Db) => ({
  ...access(tx),

  /** The last version there ever was of a name (0: none), and how many secrets the project has. */
  last: async (project_id: string, name: string): Promise<{ version: number; names: number }> =>
    (await runOne(tx, LAST, [project_id, name]))!,

  insert: async (
    { name, version, sealed }: SealedSecret,
    { project_id, actor }: { project_id: string; actor: string },
  ): Promise<SecretRow> => (await runOne(tx, INSERT, [project_id, name, version, sealed, actor]))!,

  /** Leaves who made which version when, and no values. */
  wipe: async (project_id: string, name: string, actor: string): Promise<void> =>
    void (await run(tx, WIPE, [project_id, name, actor])),
});

export type SecretChanges = ReturnType<typeof changes>;

/** The secrets of projects, sealed. */
export function secretRepository(db: Db) {
  return {
    ...access(db),

    /** Runs `work` in a transaction of its own, with no other write to the project's secrets beside it. */
    inTurn: <T>(project_id: string, work: (secrets: SecretChanges) => Promise<T>): Promise<T> =>
      db.transaction(async (tx) => {
        await run(tx, TURN, [project_id]);
        return work(changes(tx));
      }),
  };
}

export type SecretRepository = ReturnType<typeof secretRepository>;
