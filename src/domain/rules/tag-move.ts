import { AppError } from '../../contract/errors.ts';

/** What a tag is now, as far as a decision needs it. */
export interface TagState {
  target_id: string;
  target_hash: string;
  version: number;
  protected: boolean;
}

/**
 * What the caller believes about the tag (contract §3.5). As in git each of the two may be absent (don't check), null
 * (it must not exist yet) or a value (it must match): a version number, or the id or hash of the target.
 * `if_match` is the HTTP header, always a version; it alone opens a protected tag.
 */
export interface Expectation {
  if_match?: number;
  expected?: number | string | null;
}

export interface Place {
  id: string;
  cursor_seq: number | null;
  reverses_seq: number | null;
}

export type TagCommand = 'put' | 'move' | 'undo' | 'redo' | 'delete';

export type Decision =
  | { do: 'create' }
  | { do: 'nothing' }
  | { do: 'delete' }
  | { do: 'protect' }
  | { do: 'advance'; type: 'move' | 'undo' | 'redo'; cursor_seq: number | null; reverses_seq: number | null };

export interface Question {
  command: TagCommand;
  current?: TagState;
  /** Where the command leads: the target of a move, the neighbour in the history for undo and redo. */
  destination?: Place;
  expectation: Expectation;
  /** Wanted protection; undefined leaves it. */
  protect?: boolean;
}

/**
 * Decides what a command does to a tag. Throws `not_found`, `stale_if_match` (412), `tag_protected` (428),
 * `version_conflict` (409), `nothing_to_undo` or `nothing_to_redo` (409).
 * The expectation comes before everything else: of 100 callers with one expectation only the first may succeed, even
 * if all of them want the same target.
 */
export function decideTag(question: Question): Decision {
  const { command, current, destination, expectation } = question;
  if (!current && command !== 'put') throw new AppError('not_found');
  passGate(current, expectation);
  if (command === 'delete') return { do: 'delete' };
  if (command === 'undo' || command === 'redo') return decideStep(command, destination);
  if (!destination) throw new AppError('not_found', { detail: 'The target is unknown.' });
  if (!current) return { do: 'create' };
  if (destination.id === current.target_id) return decideProtection(current, question.protect);
  return { do: 'advance', type: 'move', cursor_seq: null, reverses_seq: null };
}

/** The one gate before a tag: the same for move, undo, redo, delete, save and patch. */
export function passGate(current: TagState | undefined, { if_match, expected }: Expectation): void {
  if (if_match !== undefined && if_match !== current?.version)
    throw new AppError('stale_if_match', conflict(current));
  if (current?.protected && if_match === undefined) throw new AppError('tag_protected');
  if (expected !== undefined && !matches(current, expected))
    throw new AppError('version_conflict', conflict(current));
}

function matches(current: TagState | undefined, expected: number | string | null): boolean {
  if (!current || expected === null) return !current && expected === null;
  return expected === current.version || expected === current.target_id || expected === current.target_hash;
}

function decideStep(type: 'undo' | 'redo', place: Place | undefined): Decision {
  if (!place) throw new AppError(type === 'undo' ? 'nothing_to_undo' : 'nothing_to_redo');
  return { do: 'advance', type, cursor_seq: place.cursor_seq, reverses_seq: place.reverses_seq };
}

function decideProtection(current: TagState, protect: boolean | undefined): Decision {
  return { do: protect === undefined || protect === current.protected ? 'nothing' : 'protect' };
}

const conflict = (current: TagState | undefined) => ({
  extra: { current_version: current?.version ?? null, current_target_id: current?.target_id ?? null },
});
