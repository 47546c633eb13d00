import { z } from 'zod';
import { AppError, type Problem } from '../../contract/errors.ts';
import { pointerToken } from './json-guard.ts';
import { worded } from './wording.ts';

type Issue = z.core.$ZodIssue;

/** Checks one part of a request. Built once per route. */
export type Validator = (value: unknown) => unknown;

/**
 * A validator that names every problem at once by JSON Pointer below `at` (`''` for the body, `/query`, `/path`).
 * An unknown field is 400, anything else that is wrong 422. A plain object schema becomes strict: an envelope never
 * swallows a misspelt field.
 */
export function validator(schema: z.ZodType, at: string): Validator {
  const strict = strictly(schema);
  return (value) => {
    const result = strict.safeParse(value, { error: worded });
    if (result.success) return result.data;
    throw validationError(result.error.issues, at);
  };
}

/** The same schema, with unknown fields refused at its top level unless it says what to do with them. */
export function strictly(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodObject && schema.def.catchall === undefined) return schema.strict();
  return schema;
}

function validationError(issues: readonly Issue[], at: string): AppError {
  const flat = issues.flatMap((issue) => flatten(issue, at));
  const unknown_field = flat.some((problem) => problem.unknown);
  const errors: Problem[] = flat.map(({ path, message }) => ({ path, message }));
  return new AppError(unknown_field ? 'malformed_request' : 'validation_failed', { errors });
}

type Flat = Problem & { unknown: boolean };

function flatten(issue: Issue, at: string): Flat[] {
  const path = issue.path.reduce<string>((pointer, step) => `${pointer}/${pointerToken(step)}`, at);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: `${path}/${pointerToken(key)}`,
      message: 'unknown field',
      unknown: true,
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return closest(issue.errors, path);
  return [{ path, message: issue.message, unknown: false }];
}

/** Of the alternatives of a union, the one the caller most likely meant: the one with the fewest problems. */
function closest(alternatives: readonly (readonly Issue[])[], path: string): Flat[] {
  const candidates = alternatives.map((issues) => issues.flatMap((issue) => flatten(issue, path)));
  return candidates.reduce((best, candidate) => (candidate.length < best.length ? candidate : best));
}
