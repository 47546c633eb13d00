import { AppError } from '../../contract/errors.ts';
import { hasRole, type Permission, type Role } from '../../contract/roles.ts';
import { environmentOf, FLAG_GUARD, type Guard, guardOf, type TagRule } from './tag-rule.ts';

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

/** A deployment, which moves tags that are bound to its environment. */
export interface DeploymentPass {
  run_id: string;
  /** Takes back what it did itself: role and approvals are not asked for, so that nothing bad stays live for want of them. */
  undoes?: boolean;
}

/** Who writes, as far as the gate asks. */
export interface Writer {
  role: Role;
  permissions?: readonly Permission[];
  deployment?: DeploymentPass;
}

/** A write to a tag that asks to be let through. */
export interface Passage {
  name: string;
  current?: TagState;
  /** All rules of the project. */
  rules: readonly TagRule[];
  expectation: Expectation;
  writer: Writer;
  /** Go past role and approvals, by a permission of its own; never past the expectation. */
  break_glass?: boolean;
}

export interface Place {
  id: string;
  cursor_seq: number | null;
  reverses_seq: number | null;
}

export type TagCommand = 'put' | 'move' | 'undo' | 'redo' | 'delete';

/** What there is to write; `approvals` is how many a change needs before that. */
export type Decision =
  | { do: 'nothing' }
  | { do: 'protect' }
  | { do: 'create'; approvals: number }
  | { do: 'delete'; approvals: number }
  | {
      do: 'advance';
      type: 'move' | 'undo' | 'redo';
      approvals: number;
      cursor_seq: number | null;
      reverses_seq: number | null;
    };

export interface Question extends Passage {
  command: TagCommand;
  /** Where the command leads: the target of a move, the neighbour in the history for undo and redo. */
  destination?: Place;
  /** Wanted protection; undefined leaves it. */
  protect?: boolean;
}

/**
 * Decides what a command does to a tag. Throws `not_found`, what `passGate` throws, `nothing_to_undo` or
 * `nothing_to_redo` (409).
 * The expectation comes before everything else: of 100 callers with one expectation only the first may succeed, even
 * if all of them want the same target.
 */
export function decideTag(question: Question): Decision {
  const { command, current, destination, protect, writer } = question;
  if (!current && command !== 'put') throw new AppError('not_found');
  const approvals = passGate(question);
  if (command === 'delete') return { do: 'delete', approvals };
  if (command === 'undo' || command === 'redo') return decideStep(command, approvals, destination);
  const protects = protect !== undefined && protect !== (current?.protected ?? false);
  // No history tells who changed the protection, so breaking glass does not reach this far.
  if (protects) requireRole(writer, FLAG_GUARD);
  if (!destination) throw new AppError('not_found', { detail: 'The target is unknown.' });
  if (!current) return { do: 'create', approvals };
  if (destination.id === current.target_id) return { do: protects ? 'protect' : 'nothing' };
  return { do: 'advance', type: 'move', approvals, cursor_seq: null, reverses_seq: null };
}

/**
 * The one gate before a tag: the same for move, undo, redo, delete, save, patch and merge. Answers how many approvals
 * the change needs besides. Throws `stale_if_match` (412), `tag_protected` (428), `version_conflict` (409), `forbidden`, and
 * `tag_bound` (409) for a tag that only deployments move.
 */
export function passGate({ name, current, rules, expectation, writer, break_glass }: Passage): number {
  const guard = guardOf(name, current?.protected ?? false, rules);
  // What is not there yet has no version that could match; role and approvals guard its creation.
  checkExpectation(current, expectation, guard !== undefined && current !== undefined);
  if (break_glass) return breakGlass(writer);
  const bound = environmentOf(name, rules);
  if (bound !== undefined && !writer.deployment) throw boundTo(name, bound);
  if (!guard || writer.deployment?.undoes) return 0;
  requireRole(writer, guard);
  return guard.approvals;
}

/** Throws `stale_if_match`, `tag_protected` when there is none and it `needs_if_match`, `version_conflict`. */
export function checkExpectation(
  current: TagState | undefined,
  { if_match, expected }: Expectation,
  needs_if_match = false,
): void {
  if (if_match !== undefined && if_match !== current?.version)
    throw new AppError('stale_if_match', conflict(current));
  if (needs_if_match && if_match === undefined) throw new AppError('tag_protected');
  if (expected !== undefined && !matches(current, expected))
    throw new AppError('version_conflict', conflict(current));
}

function breakGlass({ permissions }: Writer): number {
  if (permissions?.includes('tag:break_glass')) return 0;
  throw new AppError('forbidden', { detail: 'Breaking glass needs the permission tag:break_glass.' });
}

function boundTo(name: string, environment: string): AppError {
  const route = `POST /workflows/:ref/deploy with "environment": "${environment}"`;
  const detail = `The tag ${name} moves only through deployments to the environment ${environment}: ${route}.`;
  return new AppError('tag_bound', { detail, extra: { environment } });
}

/** Throws `forbidden` unless the writer has the role that a guard asks for. */
export function requireRole({ role }: Writer, guard: Guard): void {
  if (hasRole(role, guard.role)) return;
  throw new AppError('forbidden', { detail: `This tag needs the role ${guard.role}.` });
}

function matches(current: TagState | undefined, expected: number | string | null): boolean {
  if (!current || expected === null) return !current && expected === null;
  return expected === current.version || expected === current.target_id || expected === current.target_hash;
}

function decideStep(type: 'undo' | 'redo', approvals: number, place: Place | undefined): Decision {
  if (!place) throw new AppError(type === 'undo' ? 'nothing_to_undo' : 'nothing_to_redo');
  const { cursor_seq, reverses_seq } = place;
  return { do: 'advance', type, approvals, cursor_seq, reverses_seq };
}

const conflict = (current: TagState | undefined) => ({
  extra: { current_version: current?.version ?? null, current_target_id: current?.target_id ?? null },
});
