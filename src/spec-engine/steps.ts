import { leavesOf } from '../language/graph.ts';
import type { JsonObject } from '../contract/json.ts';
import { isObject, type Draft } from './draft.ts';
import { Unclear } from './unclear.ts';

const MAX_NAMED = 20;

/** What the graph of a draft's steps can be asked and told. */
export function stepsOf(draft: Draft) {
  const nodes = () => {
    const found = draft.get(['nodes']);
    return isObject(found) ? found : {};
  };
  const needs = (id: string): string[] => {
    const found = draft.get(['nodes', id, 'needs']);
    return Array.isArray(found) ? found.filter((need) => typeof need === 'string') : [];
  };
  const setNeeds = (id: string, wanted: readonly string[]) => {
    const once = [...new Set(wanted)];
    if (JSON.stringify(once) === JSON.stringify(needs(id))) return;
    if (once.length === 0) draft.drop(['nodes', id, 'needs']);
    else draft.set(['nodes', id, 'needs'], once);
  };
  const ids = () => Object.keys(nodes());

  return {
    ids,
    needs,
    setNeeds,
    has: (id: string) => Object.hasOwn(nodes(), id),
    /** Those that name a step in their own `needs`. */
    dependents: (id: string) => ids().filter((each) => needs(each).includes(id)),
    roots: () => ids().filter((id) => needs(id).length === 0),
    leaves: () => leavesOf(new Map(ids().map((id) => [id, needs(id)]))),
    /** In the needs of all steps, one step by others. */
    replaceNeed(id: string, by: readonly string[], where: (dependent: string) => boolean = () => true) {
      for (const dependent of ids().filter(where))
        if (needs(dependent).includes(id))
          setNeeds(
            dependent,
            needs(dependent).flatMap((need) => (need === id ? by : [need])),
          );
    },
    /** Throws `Unclear` unless there is such a step. */
    require(id: string): JsonObject {
      const node = nodes()[id];
      if (Object.hasOwn(nodes(), id) && isObject(node)) return node;
      const known = ids().slice(0, MAX_NAMED).join(', ');
      throw new Unclear(
        `There is no step “${id}”${known === '' ? ', nor any other' : `; there are ${known}${ids().length > MAX_NAMED ? ' …' : ''}`}.`,
      );
    },
    /** Throws `Unclear` when there is one. */
    requireNew(id: string): void {
      if (Object.hasOwn(nodes(), id)) throw new Unclear(`There is a step “${id}” already.`);
    },
  };
}

export type Steps = ReturnType<typeof stepsOf>;
