import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';

import type { Problem } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { hashJson } from '../../language/content-hash.ts';
import { boundedCache } from '../../language/bounded-cache.ts';
import { escapeToken } from './definition-shape.ts';
import { schemaCompiler, withFuel } from './json-schema-ajv.ts';
import { prepareSchema } from './json-schema-prepare.ts';

type Compiled = { problems: Problem[]; validate?: never } | { problems?: never; validate: ValidateFunction };

/** Compiling takes milliseconds; most calls are for the schemas of a few workflows. */
const compiled = boundedCache<Compiled>(200);
const MAX_PROBLEMS = 100;

/**
 * What is wrong with a JSON Schema (2020-12), with pointers into it; empty = usable. Beyond the standard: no remote
 * `$ref`, no `$dynamicRef`, no `$id` below the root, at most 5,000 subschemas, patterns without back-references and
 * look-around. Never throws.
 */
export function schemaProblems(schema: unknown): Problem[] {
  return compile(schema).problems ?? [];
}

/**
 * A validator for a schema: it answers every problem of a value, with pointers into the value (at most 100).
 * For a schema that is not usable it answers the problems of the schema. Never throws; its time is bounded, whatever
 * the schema and the value.
 */
export function compileSchema(schema: unknown): (value: unknown) => Problem[] {
  const { problems, validate } = compile(schema);
  return validate === undefined ? () => problems : (value) => check(validate, value);
}

function compile(schema: unknown): Compiled {
  const { problems, prepared } = prepareSchema(schema);
  if (prepared === undefined) return { problems };
  const key = keyOf(schema);
  if (key === undefined) return { problems: [{ path: '', message: 'is not JSON' }] };
  return compiled.get(key) ?? compiled.set(key, compilePrepared(schema, prepared));
}

/** Undefined for what has no canonical form. */
function keyOf(schema: unknown): string | undefined {
  try {
    return hashJson(schema as Json);
  } catch {
    return undefined;
  }
}

function compilePrepared(schema: unknown, prepared: object | boolean): Compiled {
  const ajv = schemaCompiler();
  try {
    if (withFuel(() => ajv.validateSchema(schema as object)) !== true)
      return { problems: problemsOf(ajv.errors) };
    const validate = ajv.compile(prepared);
    return { validate };
  } catch (error) {
    return { problems: [{ path: '', message: `is not a usable schema: ${reasonOf(error)}` }] };
  } finally {
    // The compiler keeps every schema it has seen; ours are kept, and forgotten, by the cache above.
    if (typeof prepared === 'object') ajv.removeSchema(prepared);
  }
}

function check(validate: ValidateFunction, value: unknown): Problem[] {
  try {
    if (withFuel(() => validate(value))) return [];
    return problemsOf(validate.errors);
  } catch (error) {
    return [{ path: '', message: `could not be validated: ${reasonOf(error)}` }];
  } finally {
    // The errors hold on to the value.
    validate.errors = null;
  }
}

/** Errors of the compiler are about the schema, so their text is for its author. */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return 'it refers to itself without end';
  return error instanceof Error ? error.message.slice(0, 300) : 'unknown reason';
}

function problemsOf(errors: ErrorObject[] | null | undefined): Problem[] {
  const unique = new Map<string, Problem>();
  for (const error of errors ?? []) {
    const problem = { path: pathOf(error), message: error.message ?? 'is not valid' };
    unique.set(`${problem.path} ${problem.message}`, problem);
    if (unique.size >= MAX_PROBLEMS) break;
  }
  return [...unique.values()];
}

/** The member that is missing or too much belongs into the pointer. */
function pathOf({ instancePath, params }: ErrorObject): string {
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Record<
    string,
    string | undefined
  >;
  const member = missingProperty ?? additionalProperty ?? unevaluatedProperty;
  return member === undefined ? instancePath : `${instancePath}/${escapeToken(member)}`;
}
