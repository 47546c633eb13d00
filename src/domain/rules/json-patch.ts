import { AppError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { isEqualJson } from './json-patch-equal.ts';
import { type PatchLimits, PATCH_LIMITS, sizeGuard, type SizeGuard } from './json-patch-limits.ts';
import { type Operation, parseOperations } from './json-patch-operations.ts';
import {
  type Container,
  isContainer,
  keyIn,
  type Pointer,
  textOf,
  workspace,
  type Workspace,
} from './json-patch-pointer.ts';

/** A document while it is being patched; `undefined` after its root was removed. */
interface Patching {
  root: Json | undefined;
  space: Workspace;
  size: SizeGuard;
}

/**
 * Applies a JSON Patch (RFC 6902) and answers the resulting document; all of it or nothing.
 * `document` is never changed; what the patch didn't touch is shared with the result.
 * Throws `patch_invalid` (422) for operations that are wrong in themselves or grow too large, `patch_conflict` (409)
 * for ones that don't apply to this document. Each names `/<operation>/<member>` and the pointer it failed at.
 */
export function applyPatch(document: Json, operations: unknown, limits: PatchLimits = PATCH_LIMITS): Json {
  const parsed = parseOperations(operations, limits);
  const state: Patching = { root: document, space: workspace(), size: sizeGuard(document, limits) };
  parsed.forEach((operation, index) =>
    atOperation(index, operation, () => APPLY[operation.op](state, operation)),
  );
  if (state.root === undefined) throw invalid('', 'The patch removes the whole document.');
  return state.root;
}

type Apply = (state: Patching, operation: Operation) => void;

const APPLY: Record<Operation['op'], Apply> = {
  add: (state, { path, value }) => add(state, path, state.size.bring(value!, path.length)),
  remove: (state, { path }) => void state.size.drop(remove(state, path)),
  replace: (state, { path, value }) => {
    state.size.drop(resolve(state, path));
    replace(state, path, state.size.bring(value!, path.length));
  },
  move: (state, { path, from }) => {
    const moved = remove(state, from!);
    state.size.sink(moved, path.length - from!.length, path.length);
    add(state, path, moved);
  },
  copy: (state, { path, from }) =>
    add(state, path, state.size.copy(resolve(state, from!, 'from'), path.length)),
  test: (state, { path, value }) => {
    if (!isEqualJson(resolve(state, path), value!))
      throw conflict('value', `the value at "${textOf(path)}" is another one`);
  },
};

/** What the pointer leads to. */
function resolve(state: Patching, path: Pointer, member = 'path'): Json {
  let at = state.root;
  for (const token of path) at = at === undefined ? undefined : childOf(at, token);
  if (at === undefined) throw conflict(member, `there is nothing at "${textOf(path)}"`);
  return at;
}

function childOf(parent: Json, token: string): Json | undefined {
  if (!isContainer(parent)) return undefined;
  const key = keyIn(parent, token);
  return key === undefined || key === '-' || !Object.hasOwn(parent, key)
    ? undefined
    : (parent as { [key: string]: Json })[key];
}

/** The container that holds the pointer's last token, ready to be changed; every container above it likewise. */
function openParent(state: Patching, path: Pointer): { parent: Container; token: string } {
  const { space } = state;
  if (!isContainer(state.root)) throw conflict('path', `"${textOf(path)}" has no parent`);
  let parent: Container = space.own(state.root);
  state.root = parent;
  for (const token of path.slice(0, -1)) {
    const child = childOf(parent, token);
    if (!isContainer(child)) throw conflict('path', `"${textOf(path)}" has no parent`);
    const owned = space.own(child);
    if (owned !== child) space.put(parent, token, owned);
    parent = owned;
  }
  return { parent, token: path.at(-1)! };
}

function add(state: Patching, path: Pointer, value: Json): void {
  if (path.length === 0) return void (state.root = value);
  const { parent, token } = openParent(state, path);
  if (!Array.isArray(parent)) return state.space.put(parent, token, value);
  const key = keyIn(parent, token);
  const index = key === '-' ? parent.length : Number(key ?? Number.NaN);
  if (!(index <= parent.length)) throw conflict('path', `"${textOf(path)}" is not a place in the array`);
  parent.splice(index, 0, value);
}

function replace(state: Patching, path: Pointer, value: Json): void {
  if (path.length === 0) return void (state.root = value);
  const { parent, token } = openParent(state, path);
  state.space.put(parent, token, value);
}

function remove(state: Patching, path: Pointer): Json {
  const removed = resolve(state, path);
  if (path.length === 0) {
    state.root = undefined;
    return removed;
  }
  const { parent, token } = openParent(state, path);
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else delete parent[token];
  return removed;
}

/** Adds to an error which operation it came from. */
function atOperation(index: number, operation: Operation, apply: () => void): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const errors = (error.data.errors ?? []).map(({ path, message }) => ({
      path: `/${index}${path}`,
      message,
    }));
    const detail = `Operation ${index} (${operation.op} "${textOf(operation.path)}"): ${errors[0]?.message ?? error.message}.`;
    throw new AppError(error.code, { ...error.data, detail, errors });
  }
}

const conflict = (member: string, message: string) =>
  new AppError('patch_conflict', { errors: [{ path: `/${member}`, message }] });

const invalid = (path: string, message: string) =>
  new AppError('patch_invalid', { detail: message, errors: [{ path, message }] });
