import type { Environment, EnvironmentSetup } from '../contract/deployment.ts';
import type { Db } from './db.ts';
import { HOLDER_LIVES } from './releases-lock.ts';
import { run, runOne, statement } from './statement.ts';

/** Why an environment cannot go. */
export interface EnvironmentUse {
  /** The subject of which something is live, and what. */
  live: { subject: string; release_id: string } | null;
  /** The run of a deployment under way. */
  run_id: string | null;
}

const COLUMNS = `e.id, e.project_id, e.name, e.description, e.deployer, e.settings, e.variables, e.secrets, e.checks,
  e.watch_seconds, e.staging, e.approval, e.binds_tags, e.version, e.created_by, e.created_at, e.updated_at`;

const LIST = statement<Environment>(
  'environment_list',
  `SELECT ${COLUMNS} FROM environment e WHERE e.project_id = $1 AND e.name COLLATE "C" > $2
   ORDER BY e.name COLLATE "C" LIMIT $3`,
);

const FIND = statement<Environment>(
  'environment_find',
  `SELECT ${COLUMNS} FROM environment e WHERE e.project_id = $1 AND e.name = $2`,
);

// Changes of one project come one after the other: each sees whether it would close a circle of stagings.
const TURN = statement<never>('environment_turn', 'SELECT FROM project WHERE id = $1 FOR NO KEY UPDATE');

const INSERT = statement<Environment>(
  'environment_insert',
  `INSERT INTO environment AS e (id, project_id, name, description, deployer, settings, variables, secrets, checks,
     watch_seconds, staging, approval, binds_tags, created_by)
   VALUES ($14, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING ${COLUMNS}`,
);

const UPDATE = statement<Environment>(
  'environment_update',
  `UPDATE environment e SET description = $3, deployer = $4, settings = $5, variables = $6, secrets = $7, checks = $8,
     watch_seconds = $9, staging = $10, approval = $11, binds_tags = $12, version = version + 1, updated_at = clock_timestamp()
   WHERE e.project_id = $1 AND e.name = $2 AND e.version = $13 RETURNING ${COLUMNS}`,
);

const HOLD = statement<never>('environment_hold', 'SELECT FROM environment WHERE id = $1 FOR UPDATE');

const HOLD_PLACES = statement<never>(
  'environment_hold_places',
  'SELECT FROM deployment_target WHERE environment_id = $1 ORDER BY subject FOR UPDATE',
);

const USE = statement<{ subject: string; release_id: string | null; run_id: string | null }>(
  'environment_use',
  `SELECT t.subject, t.current_release_id AS release_id, CASE WHEN ${HOLDER_LIVES} THEN t.run_id END AS run_id
   FROM deployment_target t
   WHERE t.environment_id = $1 AND (t.current_release_id IS NOT NULL OR ${HOLDER_LIVES})
   ORDER BY run_id NULLS LAST, t.subject LIMIT 1`,
);

// The keys between the rows are looked at when all of them are gone.
const DELETE = statement<{ id: string }>(
  'environment_delete',
  `WITH places AS (
     DELETE FROM deployment_target WHERE environment_id = $1
   ), releases AS (
     DELETE FROM release WHERE environment_id = $1
   )
   DELETE FROM environment WHERE id = $1 RETURNING id`,
);

const columnsOf = (setup: EnvironmentSetup): unknown[] => [
  ...[setup.name, setup.description, setup.deployer],
  ...[setup.settings, setup.variables, setup.secrets, setup.checks].map((value) => JSON.stringify(value)),
  ...[setup.watch_seconds, setup.staging, setup.approval && JSON.stringify(setup.approval), setup.binds_tags],
];

/** Environments within what may be a transaction that has the project's turn. */
const access = (db: Db) => ({
  /** By name, after the name `after`. */
  list: (project_id: string, { after, limit }: { after: string; limit: number }): Promise<Environment[]> =>
    run(db, LIST, [project_id, after, limit]),

  find: (project_id: string, name: string): Promise<Environment | undefined> =>
    runOne(db, FIND, [project_id, name]),
});

const changes = (tx: Db) => ({
  ...access(tx),

  insert: async (
    setup: EnvironmentSetup,
    { project_id, id, actor }: { project_id: string; id: string; actor: string },
  ): Promise<Environment> => (await runOne(tx, INSERT, [project_id, ...columnsOf(setup), actor, id]))!,

  /** Undefined when it is not at this version any more. */
  update: (
    setup: EnvironmentSetup,
    { project_id, version }: { project_id: string; version: number },
  ): Promise<Environment | undefined> => runOne(tx, UPDATE, [project_id, ...columnsOf(setup), version]),

  /** Waits for whoever is about to deploy there; nobody begins before the transaction ends. */
  async useOf(id: string): Promise<EnvironmentUse> {
    await run(tx, HOLD, [id]);
    await run(tx, HOLD_PLACES, [id]);
    const use = await runOne(tx, USE, [id]);
    const { subject, release_id, run_id } = use ?? { subject: '', release_id: null, run_id: null };
    return { live: release_id === null ? null : { subject, release_id }, run_id };
  },

  /** With all its releases. */
  delete: async (id: string): Promise<void> => void (await run(tx, DELETE, [id])),
});

export type EnvironmentChanges = ReturnType<typeof changes>;

export function environmentRepository(db: Db) {
  return {
    ...access(db),

    /** Runs `work` in a transaction of its own, with no other change of the project's environments beside it. */
    inTurn: <T>(project_id: string, work: (environments: EnvironmentChanges) => Promise<T>): Promise<T> =>
      db.transaction(async (tx) => {
        await run(tx, TURN, [project_id]);
        return work(changes(tx));
      }),
  };
}

export type EnvironmentRepository = ReturnType<typeof environmentRepository>;
