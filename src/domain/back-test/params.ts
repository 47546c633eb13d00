import type { JsonObject } from '../../contract/json.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import type { RecordedRun, Version } from './recorded.ts';

interface Versions {
  then: Version;
  now: Version;
  run: RecordedRun;
}

/**
 * The params that a run like this one would have: what it was given over the new defaults, and each tuning over that. What
 * was given is told by what was not the default then.
 */
export function paramsNow({ then, now, run }: Versions): { params: JsonObject[]; same_params: boolean } {
  const [first] = run.params;
  const begun: JsonObject = { ...now.definition.params, ...overlay(then.definition.params ?? {}, first) };
  const params = run.params.map((tuned) => ({ ...begun, ...overlay(first, tuned) }));
  return { params, same_params: params.every((set, i) => isEqualJson(set, run.params[i]!)) };
}

/** The members of `after` that `before` does not have so. */
function overlay(before: JsonObject, after: JsonObject): JsonObject {
  const set = Object.entries(after).filter(
    ([name, value]) => !Object.hasOwn(before, name) || !isEqualJson(before[name]!, value),
  );
  return Object.fromEntries(set);
}
