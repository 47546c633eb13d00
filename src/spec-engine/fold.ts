import type { DefinitionTools, PatchOperation } from '../contract/spec-engine.ts';

/**
 * Adds an operation to a patch, changed in place: what is done to a value that the patch itself brings becomes a part of that value.
 * Every operation must apply to what the patch has made of the document so far.
 */
export function foldInto(
  patch: PatchOperation[],
  operation: PatchOperation,
  applyPatch: DefinitionTools['applyPatch'],
): void {
  const at = patch.findLastIndex((each) => each.op === 'move' || brings(each, operation));
  const bringing = patch[at];
  if (!bringing || (bringing.op !== 'add' && bringing.op !== 'replace') || 'from' in operation)
    return void patch.push(operation);
  const below = operation.path.slice(bringing.path.length);
  if (below !== '') {
    const value = applyPatch(bringing.value, [{ ...operation, path: below }]);
    patch[at] = { ...bringing, value };
  } else if (operation.op === 'remove') {
    patch.splice(at, 1, ...(bringing.op === 'replace' ? [operation] : []));
  } else if (operation.op !== 'test') patch[at] = { ...bringing, value: operation.value };
}

/** Whether an operation brings the value that another one changes. Places in lists move, so they are left alone. */
function brings(each: PatchOperation, { path }: PatchOperation): boolean {
  if (each.op !== 'add' && each.op !== 'replace') return false;
  return (path === each.path || path.startsWith(`${each.path}/`)) && !/\/(?:-|\d+)(?:\/|$)/.test(path);
}
