import { AppError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { Finding } from '../persistence/fsck.ts';
import {
  type ChainHead,
  FIRST_HEAD,
  isLive,
  readBase,
  readChain,
  readHeads,
  type ReplayBase,
} from '../persistence/fsck-versions.ts';
import { encodeJson } from './blobs-encode.ts';
import { readObject, verified } from './blobs-read.ts';
import type { FsckDeps, Note } from './fsck-note.ts';
import { applyPatch } from './rules/json-patch.ts';
import { UNBOUNDED } from './rules/json-patch-limits.ts';
import { planHash } from './rules/patch-chain.ts';
import type { Resumed, Watch } from './watch.ts';

const HEADS_AT_ONCE = 50;

/** Each chain from its base to its end, which takes in every patch on the way: none is replayed for itself alone. */
export async function checkVersions(
  deps: FsckDeps,
  note: Note,
  { from, report, signal }: Watch<Resumed<{ versions: number }>>,
): Promise<{ versions: number }> {
  let { after, versions } = from ?? { after: FIRST_HEAD, versions: 0 };
  let heads: ChainHead[];
  do {
    heads = await readHeads(deps.db, { after, limit: HEADS_AT_ONCE });
    for (const head of heads) {
      signal?.throwIfAborted();
      versions += await checkChain(deps, note, head);
      after = head.id;
      report?.({ after, versions });
    }
  } while (heads.length === HEADS_AT_ONCE);
  return { versions };
}

/** Answers how many patches were replayed; after one that is wrong the rest of the chain can't be right. */
async function checkChain(deps: FsckDeps, note: Note, head: ChainHead): Promise<number> {
  let replayed = 0;
  let at = head.base_version;
  try {
    const base = await readBase(deps.db, head.base_version);
    if (!base) throw new Mismatch('its base is not there');
    let document = await readJson(deps, base);
    let before: Parameters<typeof planHash>[0] = { version_hash: base.version_hash, plan_hash: null };
    for await (const link of readChain(deps.db, head.id)) {
      at = link.id;
      document = applyPatch(document, await readJson(deps, link), UNBOUNDED);
      if (encodeJson(document).cas_id !== link.version_hash) throw new Mismatch('it comes to another hash');
      if (planHash(before, link.cas_id) !== link.plan_hash)
        throw new Mismatch('its plan hash is not that of its chain');
      before = link;
      replayed += 1;
    }
  } catch (error) {
    const findings = findingsOf(error, at, head);
    // It may have been collected while it was read.
    if (await isLive(deps.db, head.id)) await note(findings);
  }
  return replayed;
}

class Mismatch extends Error {}

/** The patch at which it went wrong, and the end of the chain, which can't be read then either. */
function findingsOf(error: unknown, at: string, head: ChainHead): Finding[] {
  const detail = detailOf(error);
  const kind = 'version_not_materialised';
  if (at === head.id) return [{ kind, about: at, detail }];
  return [
    ...(at === head.base_version ? [] : [{ kind, about: at, detail }]),
    { kind, about: head.id, detail: `its chain breaks at ${at}: ${detail}` },
  ];
}

/** Trouble of a store that is away is no finding. */
function detailOf(error: unknown): string {
  if (error instanceof Mismatch || error instanceof SyntaxError) return error.message;
  if (error instanceof AppError && error.family !== 'unavailable') return error.message;
  throw error;
}

async function readJson(deps: FsckDeps, link: ReplayBase): Promise<Json> {
  const { cas_id, content, storage_url, size_bytes } = link;
  const bytes =
    storage_url === null
      ? content
      : await readObject(deps, { cas_id, storage_url, size_bytes: Number(size_bytes) });
  if (!bytes) throw new AppError('blob_collected');
  const blob = verified({ cas_id, media_type: 'application/json', bytes });
  return JSON.parse(blob.bytes.toString('utf8')) as Json;
}
