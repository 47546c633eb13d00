import type { DefinitionNode } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import type { Walk } from './walk-parts.ts';

type Versions = Pick<Walk, 'then' | 'now'>;

/** The same kind of work, with the same files beside a program. */
export function isSameKind({ then, now }: Versions, before: DefinitionNode, after: DefinitionNode): boolean {
  if (before.type !== after.type) return false;
  return after.type !== 'code' || isEqual(then.definition.files ?? {}, now.definition.files ?? {});
}

/** The same work with the same config; what its expressions read may be otherwise. Of a map, the list is left out. */
export function isSameWork(versions: Versions, before: DefinitionNode, after: DefinitionNode): boolean {
  if (before.type !== 'map' || after.type !== 'map')
    return isSameKind(versions, before, after) && isEqual(before.config, after.config);
  const [a, b] = [before.config, after.config];
  return (
    (a.on_item_error ?? 'fail') === (b.on_item_error ?? 'fail') &&
    isEqual(limitsOf(a.node), limitsOf(b.node)) &&
    isSameWork(versions, a.node, b.node)
  );
}

const limitsOf = ({ retry = {}, timeout_seconds }: DefinitionNode): JsonObject => ({
  retry: retry as JsonObject,
  timeout_seconds: timeout_seconds ?? null,
});

const isEqual = (a: object, b: object): boolean => isEqualJson(a as Json, b as Json);
