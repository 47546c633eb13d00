import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';
import { type GateRule, RULES } from './tags-rules.ts';

export type TargetKind = 'dag_version' | 'patch_set';
export type MoveType = 'create' | 'move' | 'undo' | 'redo' | 'delete';

export interface TagRow {
  name: string;
  target_kind: TargetKind;
  target_id: string;
  target_hash: string;
  version: number;
  cursor_seq: number;
  protected: boolean;
  moved_by: string;
  moved_at: Date;
}

/** Where a tag can go: an artifact, and for undo and redo the history entry that stands for it. */
export interface Destination {
  id: string;
  kind: TargetKind;
  version_hash: string;
  /** The entry the cursor goes to; null for a move, whose own entry it will be. */
  cursor_seq: number | null;
  reverses_seq: number | null;
}

/** A tag as it is, where the command would take it, and the rules of the project: read by one statement. */
export interface TagReading {
  current?: TagRow;
  destination?: Destination;
  rules: GateRule[];
}

export type TargetRef = { kind: 'id' | 'hash' | 'tag'; value: string };

export const TAG_COLUMNS = `t.name, t.target_kind, t.target_id, t.version, t.cursor_seq, t.protected, t.moved_by, t.moved_at`;

const IN_STORE = `a.kind IN ('dag_version', 'patch_set')`;

const ofHash = (further: string) =>
  `SELECT a.id FROM artifact a WHERE a.project_id = $1 AND a.version_hash = $3 ${further} ORDER BY a.created_at, a.id LIMIT 1`;

const TARGETS: Record<TargetRef['kind'], string> = {
  id: `SELECT a.id FROM artifact a WHERE a.project_id = $1 AND a.id = $3::uuid AND ${IN_STORE}`,
  // The oldest that has the content; one that was collected only when no other is left.
  hash: `SELECT coalesce((${ofHash('AND a.live')}), (${ofHash('')})) AS id`,
  tag: `SELECT o.target_id AS id FROM tag o WHERE o.project_id = $1 AND o.name = $3`,
};

interface ReadingRow extends Omit<TagRow, 'name'> {
  name: string | null;
  rules: GateRule[] | null;
  to_id: string | null;
  to_kind: TargetKind;
  to_hash: string;
  to_seq: number | null;
  reverses_seq: number | null;
}

/** `step` selects `id, seq, reverses_seq` and may use `t`; no row means there is nowhere to go. */
const reading = (name: string, step: string) =>
  statement<ReadingRow>(
    name,
    `SELECT ${TAG_COLUMNS}, c.version_hash AS target_hash, a.id AS to_id, a.kind AS to_kind, a.version_hash AS to_hash,
            s.seq AS to_seq, s.reverses_seq, ${RULES} AS rules
     FROM (SELECT 1) AS always
     LEFT JOIN (tag t JOIN artifact c ON c.id = t.target_id) ON t.project_id = $1 AND t.name = $2
     LEFT JOIN LATERAL (${step}) s ON true
     LEFT JOIN artifact a ON a.id = s.id`,
  );

const moving = (kind: TargetRef['kind']) =>
  reading(
    `tag_read_move_${kind}`,
    `SELECT x.id, NULL::integer AS seq, NULL::integer AS reverses_seq FROM (${TARGETS[kind]}) x`,
  );

const READ_MOVE = { id: moving('id'), hash: moving('hash'), tag: moving('tag') };

const NOWHERE = `SELECT NULL::uuid AS id, NULL::integer AS seq, NULL::integer AS reverses_seq WHERE false`;
const READ_ALONE = reading('tag_read_alone', NOWHERE);

// The entry under the cursor was made from `parent_seq`; undo goes back there.
const READ_UNDO = reading(
  'tag_read_undo',
  `SELECT p.to_id AS id, p.seq, h.seq AS reverses_seq
   FROM tag_move h JOIN tag_move p ON p.project_id = h.project_id AND p.tag_name = h.tag_name AND p.seq = h.parent_seq
   WHERE h.project_id = $1 AND h.tag_name = $2 AND h.seq = t.cursor_seq`,
);

// Of the moves made from here the newest counts: a move after an undo hides the branch that was undone.
// What it takes back is the last undo of that move.
const READ_REDO = reading(
  'tag_read_redo',
  `SELECT m.to_id AS id, m.seq,
          (SELECT max(u.seq) FROM tag_move u
           WHERE u.project_id = $1 AND u.tag_name = $2 AND u.parent_seq = m.seq AND u.type = 'undo') AS reverses_seq
   FROM tag_move m
   WHERE m.project_id = $1 AND m.tag_name = $2 AND m.parent_seq = t.cursor_seq AND m.type = 'move'
   ORDER BY m.seq DESC LIMIT 1`,
);

const READ = statement<TagRow>(
  'tag_read',
  `SELECT ${TAG_COLUMNS}, c.version_hash AS target_hash FROM tag t JOIN artifact c ON c.id = t.target_id
   WHERE t.project_id = $1 AND t.name = $2`,
);

const LOCK = statement<{ version: number }>(
  'tag_lock',
  `SELECT version FROM tag WHERE project_id = $1 AND name = $2 FOR UPDATE`,
);

export function readTag(db: Db, project_id: string, name: string): Promise<TagRow | undefined> {
  return runOne(db, READ, [project_id, name]);
}

/** The tag for a write that leads nowhere else. */
export async function readForWrite(db: Db, tag: { project_id: string; name: string }): Promise<TagReading> {
  return fromRow(await run(db, READ_ALONE, [tag.project_id, tag.name]));
}

/** The tag, and the artifact that `target` names in the same project. */
export async function readForMove(
  db: Db,
  tag: { project_id: string; name: string },
  target: TargetRef,
): Promise<TagReading> {
  return fromRow(await run(db, READ_MOVE[target.kind], [tag.project_id, tag.name, target.value]));
}

/** The tag, and the position one step back or forward in its history. */
export async function readForStep(
  db: Db,
  tag: { project_id: string; name: string },
  step: 'undo' | 'redo',
): Promise<TagReading> {
  return fromRow(await run(db, step === 'undo' ? READ_UNDO : READ_REDO, [tag.project_id, tag.name]));
}

/** Waits for the tag's row and holds it to the end of the transaction; answers its version, undefined when absent. */
export async function lockTag(db: Db, project_id: string, name: string): Promise<number | undefined> {
  return (await runOne(db, LOCK, [project_id, name]))?.version;
}

function fromRow([row]: ReadingRow[]): TagReading {
  if (!row) return { rules: [] };
  const { to_id, to_kind, to_hash, to_seq, reverses_seq, rules, ...tag } = row;
  return {
    rules: rules ?? [],
    ...(tag.name !== null && { current: tag as TagRow }),
    ...(to_id !== null && {
      destination: { id: to_id, kind: to_kind, version_hash: to_hash, cursor_seq: to_seq, reverses_seq },
    }),
  };
}
