import type { MoveType, TargetKind } from '../../persistence/tags.ts';
import { any, type Check, integer, listOf, oneOf, record, text } from './definition-shape.ts';
import { isTagName } from './tag-name.ts';

/** An artifact that is not in the bundle. */
export interface Elsewhere {
  id: string;
  version_hash: string;
}

/** What the lines of a bundle hold, in the order in which the kinds may come. Whatever can be computed is not there. */
export interface Lines {
  /** `workflow` is null in the bundle of a version, which has no tags. */
  header: {
    format: 'orchestrator-bundle';
    version: 1;
    workflow: { name: string; description: string } | null;
  };
  /** By name. */
  tag: {
    name: string;
    artifact_id: string;
    version_hash: string;
    version: number;
    moved_by: string;
    moved_at: string;
  };
  /** Left out because the reader said it has it. */
  requires: Elsewhere;
  /** Left out because it was collected: the history begins after it. */
  missing: Elsewhere;
  blob: { cas_id: string; media_type: string; size_bytes: number };
  /** A piece of the blob named last: `CHUNK_BYTES` in base64, or the rest. */
  bytes: string;
  /** Named by the `files` of a definition, and not readable where the bundle was made. */
  absent: string;
  /** After its blobs and its parents. The operations of a patch apply to its first parent. */
  artifact: {
    id: string;
    kind: TargetKind;
    cas_id: string;
    version_hash: string;
    parents: string[];
    compacted_from_id: string | null;
    reverts_id: string | null;
    message: string | null;
    created_by: string;
    created_at: string;
  };
  /** The history of each tag, oldest first: evidence, not replayed. */
  move: {
    tag: string;
    seq: number;
    type: MoveType;
    from_id: string | null;
    to_id: string | null;
    from_hash: string | null;
    to_hash: string | null;
    reverses_seq: number | null;
    moved_by: string;
    moved_at: string;
    reason: string | null;
  };
  /** How many of each kind came, and the SHA-256 of every byte before this line. */
  trailer: { tags: number; artifacts: number; blobs: number; moves: number; sha256: string };
}

const MAX_INTEGER = 2_147_483_647;
const HASH = /^sha256:[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** What PostgreSQL cannot hold, or UTF-8 cannot say. */
// eslint-disable-next-line no-control-regex
const STORABLE = /^(?!.*(?:\u0000|\p{Surrogate})).*$/su;

const hash = text({ max: 71, pattern: HASH, like: 'must be sha256:<64 hex digits>' });
const id = text({ max: 36, pattern: UUID, like: 'must be a UUID in lower case' });
const person = text({ min: 1, max: 300, pattern: STORABLE, like: 'has a character that cannot be stored' });
const prose = (max: number) =>
  text({ max, pattern: STORABLE, like: 'has a character that cannot be stored' });
const count = integer(0, Number.MAX_SAFE_INTEGER);
const ordinal = integer(1, MAX_INTEGER);

const instant: Check = (value, site) => {
  const is_instant = typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value));
  if (!is_instant) site.report('must be a UTC time with milliseconds');
};

const orNull =
  (check: Check): Check =>
  (value, site) =>
    value === null ? undefined : check(value, site);

const tagName: Check = (value, site) => {
  if (typeof value !== 'string' || !isTagName(value)) site.report('must be the name of a tag');
};

const workflowName: Check = (value, site) => {
  tagName(value, site);
  if (String(value).includes('/')) site.report('must be one segment');
};

const is =
  (wanted: unknown): Check =>
  (value, site) =>
    value === wanted ? undefined : site.report(`must be ${JSON.stringify(wanted)}`);

/** Every member is there, and no other. */
const exactly = (fields: Readonly<Record<string, Check>>) => record(fields, Object.keys(fields));

const elsewhere = exactly({ id, version_hash: hash });

export const LINE_CHECKS: Readonly<Record<keyof Lines, Check>> = {
  header: exactly({
    format: is('orchestrator-bundle'),
    version: is(1),
    workflow: orNull(exactly({ name: workflowName, description: prose(10_000) })),
  }),
  tag: exactly({
    name: tagName,
    artifact_id: id,
    version_hash: hash,
    version: ordinal,
    moved_by: person,
    moved_at: instant,
  }),
  requires: elsewhere,
  missing: elsewhere,
  blob: exactly({
    cas_id: hash,
    media_type: text({ min: 1, max: 255, pattern: STORABLE }),
    size_bytes: count,
  }),
  // Its length and its alphabet depend on the blob it is a piece of.
  bytes: any,
  absent: hash,
  artifact: exactly({
    id,
    kind: oneOf(['dag_version', 'patch_set']),
    cas_id: hash,
    version_hash: hash,
    parents: listOf(id, { max: 2 }),
    compacted_from_id: orNull(id),
    reverts_id: orNull(id),
    message: orNull(prose(500)),
    created_by: person,
    created_at: instant,
  }),
  move: exactly({
    tag: tagName,
    seq: ordinal,
    type: oneOf(['create', 'move', 'undo', 'redo', 'delete']),
    from_id: orNull(id),
    to_id: orNull(id),
    from_hash: orNull(hash),
    to_hash: orNull(hash),
    reverses_seq: orNull(ordinal),
    moved_by: person,
    moved_at: instant,
    reason: orNull(prose(10_000)),
  }),
  trailer: exactly({
    tags: count,
    artifacts: count,
    blobs: count,
    moves: count,
    sha256: text({ max: 64, pattern: /^[0-9a-f]{64}$/, like: 'must be 64 hex digits' }),
  }),
};
