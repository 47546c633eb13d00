import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** A patch of a chain, with all that its replay has to come to. */
export interface ReplayLink {
  id: string;
  cas_id: string;
  version_hash: string;
  plan_hash: string;
  content: Buffer | null;
  storage_url: string | null;
  size_bytes: string;
}

/** The version a chain stands on. */
export type ReplayBase = Omit<ReplayLink, 'plan_hash'>;

/** The end of a chain: a patch that no further one stands on. */
export interface ChainHead {
  id: string;
  base_version: string;
}

const HEADS = statement<ChainHead>(
  'fsck_heads',
  `SELECT a.id, a.base_version FROM artifact a
   WHERE a.kind = 'patch_set' AND a.live AND a.id > $1::uuid
     AND NOT EXISTS (SELECT FROM artifact n WHERE n.previous_id = a.id AND n.live)
   ORDER BY a.id LIMIT $2`,
);

const BYTES = 'a.id, a.cas_id, a.version_hash, b.content, b.storage_url, b.size_bytes';

const BASES = statement<ReplayBase>(
  'fsck_bases',
  `SELECT ${BYTES} FROM artifact a JOIN cas_blob b ON b.cas_id = a.cas_id WHERE a.id = $1`,
);

const LINKS = statement<ReplayLink & { seq: number }>(
  'fsck_links',
  `SELECT m.seq, ${BYTES}, a.plan_hash
   FROM (SELECT * FROM patch_chain_member WHERE head_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) m
   JOIN artifact a ON a.id = m.member_id JOIN cas_blob b ON b.cas_id = a.cas_id ORDER BY m.seq`,
);

const LIVE = statement<{ id: string }>('fsck_live', 'SELECT id FROM artifact WHERE id = $1 AND live');

export const FIRST_HEAD = '00000000-0000-0000-0000-000000000000';

/** Ends of chains after one of them, by id: every live patch is in the chain of at least one. */
export function readHeads(db: Db, { after, limit }: { after: string; limit: number }): Promise<ChainHead[]> {
  return run(db, HEADS, [after, limit]);
}

/** The version that a chain stands on. */
export async function readBase(db: Db, id: string): Promise<ReplayBase | undefined> {
  return (await run(db, BASES, [id]))[0];
}

/** Whether an artifact has not been collected. */
export async function isLive(db: Db, id: string): Promise<boolean> {
  return (await run(db, LIVE, [id])).length > 0;
}

const LINKS_AT_ONCE = 100;

/** A whole chain, first patch to last. */
export async function* readChain(db: Db, head_id: string): AsyncGenerator<ReplayLink> {
  let rows: (ReplayLink & { seq: number })[];
  let after = 0;
  do {
    rows = await run(db, LINKS, [head_id, after, LINKS_AT_ONCE]);
    yield* rows;
    after = rows.at(-1)?.seq ?? after;
  } while (rows.length === LINKS_AT_ONCE);
}
