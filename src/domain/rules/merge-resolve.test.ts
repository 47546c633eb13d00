import { PATCH_LIMITS } from './json-patch-limits.ts';
import { parseOperations } from './json-patch-operations.ts';
import type { Conflict } from './merge.ts';
import { unsettled } from './merge-resolve.ts';

const conflicts: Conflict[] = ['/nodes/a', '/params/x~1y'].map((path) => ({ path, kind: 'both_changed' }));
const open = (...operations: object[]) =>
  unsettled(conflicts, parseOperations(operations, PATCH_LIMITS)).map(({ path }) => path);

it.each([
  ['nothing', [], ['/nodes/a', '/params/x~1y']],
  ['a write to the very place', [{ op: 'remove', path: '/nodes/a' }], ['/params/x~1y']],
  ['a write above it', [{ op: 'replace', path: '/params', value: {} }], ['/nodes/a']],
  ['a write below it', [{ op: 'add', path: '/nodes/a/if', value: '' }], ['/nodes/a', '/params/x~1y']],
  ['a neighbour whose name begins so', [{ op: 'remove', path: '/nodes/ab' }], ['/nodes/a', '/params/x~1y']],
  ['a test', [{ op: 'test', path: '/nodes/a', value: 1 }], ['/nodes/a', '/params/x~1y']],
  ['a move away from it', [{ op: 'move', from: '/nodes/a', path: '/nodes/b' }], ['/params/x~1y']],
  ['a copy of it', [{ op: 'copy', from: '/nodes/a', path: '/nodes/b' }], ['/nodes/a', '/params/x~1y']],
  ['a copy onto it', [{ op: 'copy', from: '/nodes/b', path: '/nodes/a' }], ['/params/x~1y']],
  ['a write to the whole', [{ op: 'replace', path: '', value: {} }], []],
])('%s settles what it writes', (_name, operations, left) => {
  expect(open(...operations)).toEqual(left);
});
