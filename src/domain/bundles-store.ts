import { AppError } from '../contract/errors.ts';
import { insertArtifact } from '../persistence/artifacts.ts';
import { findCompaction, insertCompaction } from '../persistence/artifacts-compact.ts';
import { dateArtifacts, findHere, findTaken, type HereRow, reviveArtifacts } from '../persistence/bundles.ts';
import { type Db, sqlState } from '../persistence/db.ts';
import { insertPatch } from '../persistence/patches.ts';
import type { Known } from './bundles-place.ts';
import type { Verified } from './bundles-verify.ts';
import { foreignAuthor, matcher } from './rules/bundle-match.ts';
import { type PatchBase, placeInChain } from './rules/patch-chain.ts';
import { LostRace } from './tags-attempt.ts';

export interface StoredArtifacts {
  /** The id that a version of the bundle has here. */
  idOf: (known: Known) => string;
  /** How many were not here before. */
  inserted: number;
}

export interface StoreArtifactsDeps {
  db: Db;
  ids: () => string;
  limits: {
    /** Patches on one base. */
    chain: number;
  };
}

/**
 * Stores the artifacts of a bundle that the project has not got, each under its own id unless that is taken; in their
 * order, in the transaction `deps.db`. Throws `state_conflict` for a chain that is too long here, and `LostRace` when
 * another writer took an id meanwhile.
 */
export async function storeArtifacts(
  deps: StoreArtifactsDeps,
  project_id: string,
  artifacts: readonly Verified[],
): Promise<StoredArtifacts> {
  const { db } = deps;
  const ids = artifacts.map(({ line }) => line.id);
  const hashes = artifacts.map(({ version_hash }) => version_hash);
  const match = matcher(await findHere(db, project_id, hashes), new Set(ids));
  const taken = new Set(await findTaken(db, ids));
  const places = new Map<Known, PatchBase>();
  const placeOf = (known: Known): PatchBase => known.here ?? places.get(known)!;
  const present: string[] = [];
  const made: { id: string; created_at: string }[] = [];
  for (const artifact of artifacts) {
    const match_here = match(identityOf(artifact, (known) => placeOf(known).id));
    // A patch set has one compaction: one that was collected may have been followed by another.
    const found = artifact.compacted_from && !match_here?.live ? undefined : match_here;
    const id = taken.has(artifact.line.id) ? deps.ids() : artifact.line.id;
    const place = found ?? (await insert(deps, { project_id, artifact, id, placeOf }));
    places.set(artifact, { ...place, version_hash: artifact.version_hash });
    if (!found && place.id === id) made.push({ id, created_at: artifact.line.created_at });
    else present.push(place.id);
  }
  await reviveArtifacts(db, project_id, present);
  await dateArtifacts(db, made);
  return { idOf: (known) => placeOf(known).id, inserted: made.length };
}

function identityOf({ line, parents, compacted_from, reverts }: Verified, idOf: StoredArtifacts['idOf']) {
  return {
    ...line,
    parents: parents.map(idOf),
    compacted_from_id: compacted_from ? idOf(compacted_from) : null,
    reverts_id: reverts ? idOf(reverts) : null,
    created_at: new Date(line.created_at),
  };
}

type NewPlace = Pick<HereRow, 'id' | 'base_version' | 'plan_hash' | 'depth'>;

interface Insertion {
  project_id: string;
  artifact: Verified;
  id: string;
  placeOf: (known: Known) => PatchBase;
}

async function insert(deps: StoreArtifactsDeps, insertion: Insertion): Promise<NewPlace> {
  const { artifact, id } = insertion;
  try {
    if (artifact.below) return await insertOnChain(deps, insertion, artifact.below);
    const inserted = await insertVersion(deps.db, insertion);
    return { id: inserted ? id : await compactionOf(deps.db, insertion), ...ALONE };
  } catch (error) {
    if (sqlState(error)?.code === '23505') throw new LostRace();
    throw error;
  }
}

const ALONE = { base_version: null, plan_hash: null, depth: 0 };

async function insertOnChain(
  { db, limits }: StoreArtifactsDeps,
  { project_id, artifact, id, placeOf }: Insertion,
  below: Known,
): Promise<NewPlace> {
  const { line, op_count, reverts } = artifact;
  const place = placeInChain(placeOf(below), line.cas_id);
  if (place.depth > limits.chain)
    throw new AppError('state_conflict', {
      detail: `A chain has at most ${limits.chain} patches here; compact it where it was made.`,
    });
  const reverts_id = reverts ? placeOf(reverts).id : null;
  await insertPatch(db, { ...factsOf(artifact), id, project_id, ...place, op_count, reverts_id });
  return { id, ...place };
}

/** False: it is a compaction, and the patch set has one already. */
async function insertVersion(db: Db, { project_id, artifact, id, placeOf }: Insertion): Promise<boolean> {
  const { parents, compacted_from } = artifact;
  const facts = { ...factsOf(artifact), id, project_id };
  if (compacted_from) return insertCompaction(db, { ...facts, source_id: placeOf(compacted_from).id });
  const parent_ids = parents.map((parent) => placeOf(parent).id);
  await insertArtifact(db, { ...facts, kind: 'dag_version', parents: parent_ids });
  return true;
}

async function compactionOf(db: Db, { project_id, artifact, placeOf }: Insertion): Promise<string> {
  const found = await findCompaction(db, project_id, placeOf(artifact.compacted_from!).id);
  return found!.id;
}

function factsOf({ line, nodes_count, edges_count }: Verified) {
  const { cas_id, version_hash, message } = line;
  return {
    cas_id,
    version_hash,
    message,
    nodes_count,
    edges_count,
    created_by: foreignAuthor(line.created_by),
  };
}
