import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** Something sealed, or to be sealed, and its place in the order in which everything is gone through. */
export interface SealedText {
  /** What it is the text of. */
  about: string;
  text: string;
}

/** A table with sealed texts in it. */
export interface SealedTexts {
  /** Those that are not sealed with the key `key_id`, after `after` in order of what they are about. */
  notOf(key_id: string, after: string, limit: number): Promise<SealedText[]>;
  /** Puts new seals in place of the old ones, but where another process was faster. Says how many. */
  replace(texts: readonly (SealedText & { sealed: string })[]): Promise<number>;
}

/** What a secret's seal is about: rows cannot be swapped. */
export const aboutSecret = (project_id: string, name: string, version: number): string =>
  `${project_id}|${name}|${version}`;

export const aboutWebhook = (id: string): string => `webhook|${id}`;

const ABOUT_SECRET = `project_id || '|' || name || '|' || version`;
const ABOUT_WEBHOOK = `'webhook|' || id`;

const SECRETS = statement<SealedText>(
  'secret_seal_old',
  `SELECT ${ABOUT_SECRET} AS about, sealed AS text FROM project_secret
   WHERE sealed IS NOT NULL AND key_id <> $1 AND (${ABOUT_SECRET}) COLLATE "C" > $2
   ORDER BY (${ABOUT_SECRET}) COLLATE "C" LIMIT $3`,
);

const WEBHOOKS = statement<SealedText>(
  'webhook_seal_old',
  `SELECT ${ABOUT_WEBHOOK} AS about, secret AS text FROM webhook
   WHERE NOT starts_with(secret, 'v1.' || $1 || '.') AND (${ABOUT_WEBHOOK}) COLLATE "C" > $2
   ORDER BY (${ABOUT_WEBHOOK}) COLLATE "C" LIMIT $3`,
);

const NEW = `unnest($1::text[], $2::text[], $3::text[]) AS n (about, text, sealed)`;

const REPLACE_SECRETS = statement<{ done: number }>(
  'secret_seal_replace',
  `UPDATE project_secret s SET sealed = n.sealed FROM ${NEW}
   WHERE s.project_id = split_part(n.about, '|', 1)::uuid AND s.name = split_part(n.about, '|', 2)
     AND s.version = split_part(n.about, '|', 3)::integer AND s.sealed = n.text RETURNING 1 AS done`,
);

const REPLACE_WEBHOOKS = statement<{ done: number }>(
  'webhook_seal_replace',
  `UPDATE webhook w SET secret = n.sealed FROM ${NEW}
   WHERE w.id = split_part(n.about, '|', 2)::uuid AND w.secret = n.text RETURNING 1 AS done`,
);

/** Everything that is sealed: the secrets of projects, and those that sign events on their way out. */
export function sealedTables(db: Db): readonly SealedTexts[] {
  return [[SECRETS, REPLACE_SECRETS] as const, [WEBHOOKS, REPLACE_WEBHOOKS] as const].map(
    ([find, replace]) => ({
      notOf: (key_id, after, limit) => run(db, find, [key_id, after, limit]),
      replace: async (texts) => {
        const columns = [
          texts.map(({ about }) => about),
          texts.map(({ text }) => text),
          texts.map(({ sealed }) => sealed),
        ];
        return (await run(db, replace, columns)).length;
      },
    }),
  );
}
