import type { CallFact, FileFacts, FunctionFact, FunctionRef } from '../../contract/findings.ts';
import type { Tree } from './resolve.ts';

/** A function in a file of the tree. */
export interface Place {
  file: FileFacts;
  fact: FunctionFact;
}

export interface Calls {
  places: readonly Place[];
  /** The functions that a reference in a file may stand for. */
  targets(file: FileFacts, ref: FunctionRef): Place[];
}

const MAX_RE_EXPORTS = 10;

/** Who calls whom, as far as names tell: by import, or within a module. */
export function callsIn(tree: Tree): Calls {
  const places = [...tree.files.values()].flatMap((file) => file.functions.map((fact) => ({ file, fact })));
  const by_name = new Map<string, Place[]>();
  for (const place of places) {
    const key = `${place.file.path}\n${place.fact.name}`;
    by_name.set(key, [...(by_name.get(key) ?? []), place]);
  }
  const inFile = (path: string, name: string, depth: number): Place[] => {
    const own = by_name.get(`${path}\n${name}`);
    const file = tree.files.get(path);
    if (own || !file || depth > MAX_RE_EXPORTS) return own ?? [];
    const through = file.exports.filter(
      (one) => one.from !== undefined && (one.name === name || one.name === '*'),
    );
    return through.flatMap(({ from = '' }) =>
      tree.resolve(path, from).flatMap((target) => inFile(target, name, depth + 1)),
    );
  };
  return {
    places,
    targets: (file, { specifier, name }) =>
      specifier === null
        ? inFile(file.path, name, MAX_RE_EXPORTS)
        : tree.resolve(file.path, specifier).flatMap((target) => inFile(target, name, 0)),
  };
}

/** The places that a walk along calls gets to, with the call that led there first. */
export function reachedFrom(calls: Calls, starts: readonly Place[]): Map<FunctionFact, Place> {
  const reached = new Map(starts.map((start) => [start.fact, start]));
  const waiting = [...starts];
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    const root = reached.get(place.fact) ?? place;
    for (const call of place.fact.calls) {
      for (const target of calls.targets(place.file, call.target)) {
        if (reached.has(target.fact)) continue;
        reached.set(target.fact, root);
        waiting.push(target);
      }
    }
  }
  return reached;
}

/** All calls with the function they are in. */
export function* eachCall(calls: Calls): Generator<{ place: Place; call: CallFact }> {
  for (const place of calls.places) for (const call of place.fact.calls) yield { place, call };
}
