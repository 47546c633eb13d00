import type { Json, JsonObject } from '../../contract/json.ts';
import { isEqualJson } from './json-patch-equal.ts';
import { type Pointer, textOf } from './json-patch-pointer.ts';

export type ConflictKind = 'both_changed' | 'both_added' | 'changed_deleted';

/** Two changes of one value that exclude each other. Where a side has no value, the member is left out. */
export interface Conflict {
  path: string;
  kind: ConflictKind;
  base?: Json;
  ours?: Json;
  theirs?: Json;
}

export interface Merged {
  /** What both sides made of the base; at a conflict it is as in the base, so that it favours neither. */
  draft: JsonObject;
  /** By path. */
  conflicts: Conflict[];
}

/** One value on three sides; undefined where there is none. */
interface Three<T = Json> {
  base: T | undefined;
  ours: T | undefined;
  theirs: T | undefined;
}

/** In a base that was merged itself: a value its two sides were in conflict about. Equal to nothing, itself included. */
const DISPUTED = Number.NaN;

/**
 * Three-way merge of definitions on their JSON structure: objects member by member, `needs` as a set, every other
 * value as a whole. What one side changed is taken; what both changed differently is a conflict, and so is what one
 * changed and the other removed. The result says nothing about validity. Linear in the size of the three.
 */
export function mergeDefinitions(base: JsonObject, ours: JsonObject, theirs: JsonObject): Merged {
  const conflicts: Conflict[] = [];
  const draft = mergeAt([], { base, ours, theirs }, (path, three) => {
    conflicts.push(conflictAt(path, three));
    return undisputed(three.base);
  });
  return { draft: draft as JsonObject, conflicts };
}

/** The base of a merge that has several: the two merged, in which a conflict is a value that nothing equals. */
export function virtualBase(base: JsonObject, one: JsonObject, other: JsonObject): JsonObject {
  return mergeAt([], { base, ours: one, theirs: other }, () => DISPUTED) as JsonObject;
}

/** Told of a conflict; answers what stands in its place. */
type OnConflict = (path: Pointer, three: Three) => Json | undefined;

function mergeAt(path: Pointer, three: Three, onConflict: OnConflict): Json | undefined {
  const { ours, theirs, base = isTable(path) ? {} : undefined } = three;
  // What a side shares with the base, or lacks with it, it has not touched: no need to look inside.
  if (three.base === theirs) return ours;
  if (three.base === ours) return theirs;
  if (isObject(base) && isObject(ours) && isObject(theirs))
    return mergeMembers(path, { base, ours, theirs }, onConflict);
  if (isSame(ours, theirs) || isSame(base, theirs)) return ours;
  if (isSame(base, ours)) return theirs;
  return (isNeeds(path) ? mergeNeeds(three) : undefined) ?? onConflict(path, three);
}

function mergeMembers(
  path: Pointer,
  { base, ours, theirs }: { [side in keyof Three]: JsonObject },
  onConflict: OnConflict,
): JsonObject {
  const keys = new Set([...Object.keys(base), ...Object.keys(ours), ...Object.keys(theirs)]);
  const members: [string, Json][] = [];
  for (const key of [...keys].sort()) {
    const three = { base: memberOf(base, key), ours: memberOf(ours, key), theirs: memberOf(theirs, key) };
    const merged = mergeAt([...path, key], three, onConflict);
    if (merged !== undefined) members.push([key, merged]);
  }
  // Not by assignment: `__proto__` is a member like any other.
  return Object.fromEntries(members);
}

/** Where entries stand side by side, independent of each other: two that were added with it are no conflict. */
const isTable = (path: Pointer): boolean => path.length === 1 && ['params', 'files'].includes(path[0]!);

const isNeeds = (path: Pointer): boolean => path.length === 3 && path[0] === 'nodes' && path[2] === 'needs';

/** The order of `needs` means nothing, and none is the same as an empty list. Undefined when one is no list. */
function mergeNeeds({ base = [], ours = [], theirs = [] }: Three): Json | undefined {
  if (!Array.isArray(base) || !Array.isArray(ours) || !Array.isArray(theirs)) return undefined;
  const [before, mine, other] = [new Set(base), new Set(ours), new Set(theirs)];
  const kept = base.filter((need) => mine.has(need) && other.has(need));
  const added = [...new Set([...ours, ...theirs])].filter((need) => !before.has(need));
  return [...kept, ...added.sort()];
}

function conflictAt(path: Pointer, three: Three): Conflict {
  const base = undisputed(three.base);
  const { ours, theirs } = three;
  const kind =
    ours === undefined || theirs === undefined
      ? 'changed_deleted'
      : three.base === undefined
        ? 'both_added'
        : 'both_changed';
  return {
    path: textOf(path),
    kind,
    ...(base !== undefined && { base }),
    ...(ours !== undefined && { ours }),
    ...(theirs !== undefined && { theirs }),
  };
}

/** The value without what is disputed in it. */
function undisputed(value: Json | undefined): Json | undefined {
  if (Number.isNaN(value)) return undefined;
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([key, inner]) => [key, undisputed(inner)] as const);
  return Object.fromEntries(members.filter((member): member is [string, Json] => member[1] !== undefined));
}

const isSame = (a: Json | undefined, b: Json | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && isEqualJson(a, b));

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const memberOf = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;
