import type { Json } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import { type OriginRow, readOrigins } from '../persistence/ancestry.ts';
import type { Db } from '../persistence/db.ts';
import type { AncestryService } from './ancestry.ts';
import { type Blamed, type Suspect, traceBack } from './blame-walk.ts';
import type { DefinitionService } from './materialise.ts';
import type { RefService, Resolved } from './refs.ts';
import { valueAt } from './rules/blame.ts';
import { escapeToken, parsePointer } from './rules/json-patch-pointer.ts';

/** The version that gave a value what it is. */
export interface BlameEntry extends Omit<OriginRow, 'id'> {
  pointer: string;
  value: Json;
  artifact_id: string;
  /** True where the trail ends: the value is as old as this version, or older. */
  boundary: boolean;
}

export interface BlameService {
  /**
   * Which version set the value at a pointer, as a reference has it now. A merge is to blame only for what neither of its
   * parents had. Throws `not_found` when the pointer leads to nothing, and what `RefService.resolve` throws.
   */
  value(project_id: string, question: { ref: string; pointer: string }): Promise<BlameEntry>;
  /** The same for every node, by id. */
  nodes(project_id: string, ref: string): Promise<{ version_hash: string; nodes: BlameEntry[] }>;
}

export interface BlameDeps {
  db: Db;
  refs: Pick<RefService, 'resolve'>;
  ancestry: Pick<AncestryService, 'load'>;
  definitions: Pick<DefinitionService, 'read'>;
  /** Told of every blob whose bytes are not what its name says. */
  onCorrupt?: (cas_id: string) => void;
}

export function blameService(deps: BlameDeps): BlameService {
  const { refs, definitions } = deps;
  const open = async (project_id: string, ref: string) => {
    const version = await refs.resolve(project_id, ref);
    return { version, document: await definitions.read(project_id, version) };
  };
  return {
    value: async (project_id, { ref, pointer }) => {
      const { version, document } = await open(project_id, ref);
      const value = valueAt(document as unknown as Json, parsePointer(pointer)!);
      if (value === undefined) throw nothingAt(pointer);
      const [entry] = await entriesOf(deps, project_id, version, [{ pointer, value }]);
      return entry!;
    },
    nodes: async (project_id, ref) => {
      const { version, document } = await open(project_id, ref);
      const suspects = Object.entries(document.nodes)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, node]) => ({ pointer: `/nodes/${escapeToken(id)}`, value: node as unknown as Json }));
      const { version_hash } = version;
      return { version_hash, nodes: await entriesOf(deps, project_id, version, suspects) };
    },
  };
}

async function entriesOf(
  deps: BlameDeps,
  project_id: string,
  { artifact_id }: Resolved,
  suspects: Suspect[],
): Promise<BlameEntry[]> {
  const history = await deps.ancestry.load(project_id, [artifact_id]);
  const blamed = await traceBack(deps, { project_id, history, head: artifact_id }, suspects);
  const ids = new Set([...blamed.values()].map(({ version }) => version.id));
  const rows = await readOrigins(deps.db, project_id, [...ids]);
  const origins = new Map(rows.map((row) => [row.id, row]));
  return suspects.map((suspect) => entryOf(suspect, blamed.get(suspect)!, origins));
}

function entryOf(
  { pointer, value }: Suspect,
  { version, boundary }: Blamed,
  origins: Map<string, OriginRow>,
): BlameEntry {
  const { id: artifact_id, ...origin } = origins.get(version.id)!;
  return { pointer, value, artifact_id, ...origin, boundary };
}

const nothingAt = (pointer: string) =>
  new AppError('not_found', {
    detail: `This version has nothing at "${pointer}".`,
    errors: [{ path: '/query/pointer', message: 'leads to nothing in this version' }],
  });
