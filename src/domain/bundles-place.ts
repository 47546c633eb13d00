import { badLine } from './rules/bundle-format.ts';
import type { Lines } from './rules/bundle-lines.ts';
import type { PatchBase } from './rules/patch-chain.ts';

/** A version that something in a bundle builds on. */
export interface Known {
  kind: string;
  version_hash: string;
  /** What it is here, unless it came with the bundle. */
  here?: PatchBase;
}

/** An artifact of a bundle among the others: links in place of ids, because those are given when it is stored. */
export interface Place extends Known {
  line: Lines['artifact'];
  /** Without what was collected where the bundle was made. */
  parents: Known[];
  compacted_from?: Known;
  reverts?: Known;
  /** What the operations of a patch apply to. */
  below?: Known;
}

export interface ArtifactLine {
  value: Lines['artifact'];
  number: number;
}

/** Finds what an artifact was made from. Throws `bundle_invalid` when that has not come before it. */
export function placeIn(known: ReadonlyMap<string, Known | null>, { value, number }: ArtifactLine): Place {
  if (known.has(value.id)) throw badLine(number, 'has come before', '/artifact/id');
  const find = (id: string, member: string) => {
    const found = known.get(id);
    if (found === undefined) throw badLine(number, 'has not come before this line', `/artifact/${member}`);
    return found;
  };
  const parents = value.parents.map((id, i) => find(id, `parents/${i}`));
  const origin = value.compacted_from_id;
  const compacted_from = origin === null ? undefined : (find(origin, 'compacted_from_id') ?? undefined);
  assertCompaction({ value, number }, compacted_from);
  const { kind, version_hash } = value;
  const links = { line: value, kind, version_hash, parents: parents.filter((parent) => parent !== null) };
  if (kind === 'dag_version' && value.reverts_id !== null)
    throw badLine(number, 'only a patch takes back another one', '/artifact/reverts_id');
  if (kind === 'dag_version') return { ...links, compacted_from };
  const below = parents.length === 1 ? parents[0] : undefined;
  if (!below) throw badLine(number, 'a patch has one parent, the version it is on', '/artifact/parents');
  return {
    ...links,
    below,
    reverts: reverted(value.reverts_id === null ? null : find(value.reverts_id, 'reverts_id')),
  };
}

/** A version that stands in for the patch here by its content may be none. */
const reverted = (patch: Known | null): Known | undefined =>
  patch?.kind === 'patch_set' ? patch : undefined;

function assertCompaction({ value, number }: ArtifactLine, compacted_from: Known | undefined): void {
  if (value.compacted_from_id === null) return;
  const at = '/artifact/compacted_from_id';
  if (value.kind !== 'dag_version') throw badLine(number, 'only a dag_version is a compaction', at);
  if (value.parents.length !== 1 || value.parents[0] !== value.compacted_from_id)
    throw badLine(number, 'must be the one parent of the compaction', at);
  if (compacted_from && compacted_from.version_hash !== value.version_hash)
    throw badLine(number, 'must hold the same definition', at);
}
