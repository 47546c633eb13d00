import type { Operation } from './json-patch-operations.ts';
import { parsePointer, type Pointer } from './json-patch-pointer.ts';
import type { Conflict } from './merge.ts';

/**
 * The conflicts that a patch leaves open: nothing in it writes to their place or above it. To write below is no
 * answer, for the rest of the value would stay as neither side wanted it.
 */
export function unsettled(conflicts: readonly Conflict[], patch: readonly Operation[]): Conflict[] {
  const written = patch.flatMap(writtenBy);
  return conflicts.filter(({ path }) => {
    const place = parsePointer(path)!;
    return !written.some((pointer) => isAtOrAbove(pointer, place));
  });
}

function writtenBy({ op, path, from }: Operation): Pointer[] {
  if (op === 'test') return [];
  return op === 'move' ? [path, from!] : [path];
}

const isAtOrAbove = (above: Pointer, below: Pointer): boolean =>
  above.every((token, i) => token === below[i]);
