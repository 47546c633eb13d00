import type { Definition } from '../../contract/definition.ts';
import type { Problem } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { escapeToken } from './definition-shape.ts';
import { schemaProblemsAt } from './json-schema-problems.ts';

/** A change of a run's params. */
export interface ParamsChange {
  schema: Definition['params_schema'];
  /** The params as they are. */
  current: JsonObject;
  changes: JsonObject;
  /** JSON Pointer to the changes in what was sent. */
  at: string;
}

/** What is wrong with tuning: nothing is set, or what `overrideProblems` finds. */
export function tuneProblems(change: ParamsChange): Problem[] {
  if (Object.keys(change.changes).length === 0)
    return [{ path: change.at, message: 'must set at least one parameter' }];
  return overrideProblems(change);
}

/**
 * What is wrong with params laid over others: the whole against the definition's `params_schema`, or, without one, the
 * changes against the training profile (contract §5).
 */
export function overrideProblems({ schema, current, changes, at }: ParamsChange): Problem[] {
  const params = { ...current, ...changes };
  if (schema !== undefined) return [...sizeProblems(params, at), ...schemaProblemsAt(schema, params, at)];
  return [...sizeProblems(params, at), ...profileProblems(changes, at)];
}

/** Params are in everything a run is told and tells: what is large belongs into its input. */
const MAX_PARAMS_BYTES = 32 * 1024;

export function sizeProblems(params: JsonObject, at: string): Problem[] {
  if (Buffer.byteLength(JSON.stringify(params)) <= MAX_PARAMS_BYTES) return [];
  return [{ path: at, message: `makes the params larger than ${MAX_PARAMS_BYTES / 1024} KiB` }];
}

function profileProblems(changes: JsonObject, at: string): Problem[] {
  return Object.entries(changes).flatMap(([name, value]) => {
    const message = profileProblem(name, value);
    return message === undefined ? [] : [{ path: `${at}/${escapeToken(name)}`, message }];
  });
}

/** Steps that are to be tuned and that the run does not have. */
export function unknownSteps(ids: readonly string[], known: Record<string, unknown>, at: string): Problem[] {
  return ids
    .filter((id) => !Object.hasOwn(known, id))
    .map((id) => ({ path: `${at}/${escapeToken(id)}`, message: 'is no step of the run' }));
}

const PROFILE = new Map<string, { holds: (value: number) => boolean; range: string }>([
  ['learning_rate', { holds: (value) => value > 0 && value <= 1, range: 'above 0, at most 1' }],
  ['entropy_coef', { holds: (value) => value >= 0 && value <= 0.1, range: 'from 0 to 0.1' }],
  ['clip_epsilon', { holds: (value) => value >= 0.05 && value <= 0.3, range: 'from 0.05 to 0.3' }],
]);

function profileProblem(name: string, value: Json): string | undefined {
  if (typeof value === 'object') return 'must be a string, a number, or true or false';
  const bound = PROFILE.get(name);
  if (!bound || (typeof value === 'number' && bound.holds(value))) return undefined;
  return `must be a number ${bound.range}`;
}
