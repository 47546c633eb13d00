import type { Db } from './db.ts';
import type { signingKey } from './schema/identity.ts';
import { run, statement } from './statement.ts';

export type SigningKeyRow = Omit<typeof signingKey.$inferSelect, 'public_jwk'> & {
  public_jwk: Readonly<Record<string, unknown>>;
};
export type NewSigningKey = Pick<SigningKeyRow, 'kid' | 'public_jwk' | 'sealed_private_jwk'>;

/** The keys that sign tokens: one at a time, and those before it while what they signed is still good. */
export function signingKeyRepository(db: Db) {
  return {
    /** The one that signs first. */
    list: (): Promise<SigningKeyRow[]> => run(db, LIST, []),

    /**
     * Puts a key in the place of the one that signs, which must be `replaces` (null: there is none). False: somebody else
     * was first.
     */
    replace(key: NewSigningKey, replaces: string | null): Promise<boolean> {
      return db.transaction(async (tx) => {
        if (replaces !== null && (await run(tx, RETIRE, [replaces])).length === 0) return false;
        const { kid, public_jwk, sealed_private_jwk } = key;
        return (await run(tx, INSERT, [kid, JSON.stringify(public_jwk), sealed_private_jwk])).length > 0;
      });
    },

    /** Keys that have signed nothing that could still be good. */
    async forget(after_hours: number): Promise<number> {
      return (await run(db, FORGET, [after_hours])).length;
    },
  };
}

export type SigningKeyRepository = ReturnType<typeof signingKeyRepository>;

const LIST = statement<SigningKeyRow>(
  'signing_keys',
  'SELECT * FROM signing_key ORDER BY retired_at DESC NULLS FIRST',
);

const RETIRE = statement(
  'signing_key_retire',
  'UPDATE signing_key SET retired_at = now() WHERE kid = $1 AND retired_at IS NULL RETURNING kid',
);

const INSERT = statement(
  'signing_key_insert',
  `INSERT INTO signing_key (kid, public_jwk, sealed_private_jwk) VALUES ($1, $2, $3)
   ON CONFLICT DO NOTHING RETURNING kid`,
);

const FORGET = statement(
  'signing_key_forget',
  'DELETE FROM signing_key WHERE retired_at < now() - make_interval(hours => $1) RETURNING kid',
);
