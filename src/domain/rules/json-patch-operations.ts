import { AppError, type Problem } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { PatchLimits } from './json-patch-limits.ts';
import { parsePointer, type Pointer } from './json-patch-pointer.ts';

const NAMES = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const;

/** One operation, checked. `value` is set for add, replace and test; `from` for move and copy. */
export interface Operation {
  op: (typeof NAMES)[number];
  path: Pointer;
  from?: Pointer;
  value?: Json;
}

const NEEDS_VALUE = new Set(['add', 'replace', 'test']);
const NEEDS_FROM = new Set(['move', 'copy']);

/**
 * Checks everything about operations that needs no document. Members that are not defined for an operation are
 * ignored (RFC 6902 §4). Throws `patch_invalid` with every problem at once.
 */
export function parseOperations(operations: unknown, limits: Pick<PatchLimits, 'operations'>): Operation[] {
  if (!Array.isArray(operations))
    throw invalid([{ path: '', message: 'a JSON Patch is an array of operations' }]);
  if (operations.length > limits.operations) {
    throw invalid([{ path: '', message: `a patch has at most ${limits.operations} operations` }]);
  }
  const problems: Problem[] = [];
  const parsed = operations.map((operation: unknown, index) =>
    parseOperation(operation, (member, message) => problems.push({ path: `/${index}${member}`, message })),
  );
  if (problems.length > 0) throw invalid(problems);
  return parsed as Operation[];
}

/** True when the patch could not change anything: it is empty, or it only tests. */
export const onlyTests = (operations: readonly Operation[]): boolean =>
  operations.every(({ op }) => op === 'test');

type Note = (member: string, message: string) => void;

function parseOperation(operation: unknown, note: Note): Operation | undefined {
  if (typeof operation !== 'object' || operation === null || Array.isArray(operation)) {
    return void note('', 'an operation is an object');
  }
  // Own members only: an `op` that comes from a prototype is none.
  const own = (member: string): unknown =>
    Object.hasOwn(operation, member) ? (operation as Record<string, unknown>)[member] : undefined;
  const op = NAMES.find((name) => name === own('op'));
  if (!op) return void note('/op', `"op" must be one of ${NAMES.join(', ')}`);
  const path = pointer(own('path'), 'path', note);
  const from = NEEDS_FROM.has(op) ? pointer(own('from'), 'from', note) : undefined;
  const value = NEEDS_VALUE.has(op) ? own('value') : undefined;
  if (NEEDS_VALUE.has(op) && value === undefined) note('/value', `"${op}" needs "value"`);
  if (op === 'move' && path && from && isAbove(from, path)) note('/path', 'a value cannot move into itself');
  return path && { op, path, from, value: value as Json };
}

function pointer(text: unknown, member: string, note: Note): Pointer | undefined {
  if (typeof text !== 'string') return void note(`/${member}`, `"${member}" must be a string`);
  return parsePointer(text) ?? void note(`/${member}`, `"${member}" is not a JSON Pointer`);
}

const isAbove = (above: Pointer, below: Pointer): boolean =>
  above.length < below.length && above.every((token, i) => token === below[i]);

function invalid(errors: Problem[]): AppError {
  const first = errors[0]!;
  const detail =
    first.path === '' ? `${first.message}.` : `Operation ${first.path.split('/')[1]}: ${first.message}.`;
  return new AppError('patch_invalid', { detail, errors });
}
