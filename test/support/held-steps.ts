import type pg from 'pg';

/** A write to the database at which whoever does it is to wait. */
export interface HeldWrite {
  write: 'INSERT' | 'UPDATE';
  table: string;
  /** Before a statement they wait without a lock of their own, so that what else is to happen can; at a row it is known which. */
  each: 'STATEMENT' | 'ROW';
  /** Whether this one waits, in SQL; `NEW` is the row. */
  when: string;
}

/** Steps that are stopped where they are about to write something. */
export interface Hold {
  /** From now on whoever writes that waits. */
  close(): Promise<void>;
  /** How many wait. */
  waiting(): Promise<number>;
  /** Lets all of them go on. A second time changes nothing. */
  open(): Promise<void>;
}

const LOCK = 4711;
const WAITING = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCK} AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Holds these writes of everybody at this database, one per table, while it is closed. */
export async function holdsAt(pool: pg.Pool, writes: readonly HeldWrite[]): Promise<Hold> {
  for (const write of writes) await pool.query(triggerOf(write));
  let holder: pg.PoolClient | undefined;
  return {
    async close() {
      holder = await pool.connect();
      await holder.query(`SELECT pg_advisory_lock(${LOCK})`);
    },
    waiting: async () => (await pool.query(WAITING)).rowCount ?? 0,
    async open() {
      await holder?.query(`SELECT pg_advisory_unlock(${LOCK})`);
      holder?.release();
      holder = undefined;
    },
  };
}

const triggerOf = ({ write, table, each, when }: HeldWrite): string => `
  CREATE FUNCTION test_hold_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF ${when} THEN PERFORM pg_advisory_xact_lock_shared(${LOCK}); END IF;
    RETURN ${each === 'ROW' ? 'NEW' : 'NULL'}; END $$;
  CREATE TRIGGER test_hold BEFORE ${write} ON ${table} FOR EACH ${each} EXECUTE FUNCTION test_hold_${table}();`;
