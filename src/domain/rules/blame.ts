import type { Json } from '../../contract/json.ts';
import { isContainer, keyIn, type Pointer } from './json-patch-pointer.ts';
import { type History, reachable, type Version } from './merge-base.ts';

/** An operation as it is stored; pointers are text. */
export interface StoredOperation {
  op: string;
  path: string;
  from?: string;
}

/** The value a pointer leads to; undefined when there is none. */
export function valueAt(document: Json, pointer: Pointer): Json | undefined {
  let at: Json = document;
  for (const token of pointer) {
    if (!isContainer(at)) return undefined;
    const key = keyIn(at, token);
    if (key === undefined || !Object.hasOwn(at, key)) return undefined;
    at = (at as { [key: string]: Json })[key]!;
  }
  return at;
}

/**
 * Whether a patch may have changed the value at a pointer. False is certain and needs no document; true may be wrong,
 * because the patch may have put there what was there before.
 */
export function touchedBy(patch: readonly StoredOperation[]): (pointer: string) => boolean {
  const written = new Set(patch.flatMap(placesOf));
  const above = new Set([...written].flatMap(prefixesOf));
  return (pointer) => above.has(pointer) || prefixesOf(pointer).some((prefix) => written.has(prefix));
}

function placesOf({ op, path, from }: StoredOperation): string[] {
  if (op === 'test') return [];
  const places = op === 'move' ? [path, from!] : [path];
  return op === 'replace' ? places : places.map(listOf);
}

/** What goes into a list or out of it moves the places behind it: it changes the list. */
const listOf = (pointer: string): string => pointer.replace(/\/(\d+|-)$/, '');

/** `/a/b` → ``, `/a`, `/a/b`. */
function prefixesOf(pointer: string): string[] {
  const prefixes = [''];
  for (let end = pointer.indexOf('/', 1); end > 0; end = pointer.indexOf('/', end + 1))
    prefixes.push(pointer.slice(0, end));
  return [...prefixes, pointer];
}

/** A version and all it comes from, each only after everything that comes from it. */
export function newestFirst(history: History, id: string): Version[] {
  const children = new Map<string, number>();
  for (const each of reachable(history, [id]))
    for (const parent of history.parentsOf(history.find(each)!))
      children.set(parent, (children.get(parent) ?? 0) + 1);
  const order = [history.find(id)!];
  for (const version of order) {
    for (const parent of history.parentsOf(version)) {
      children.set(parent, children.get(parent)! - 1);
      if (children.get(parent) === 0) order.push(history.find(parent)!);
    }
  }
  return order;
}
