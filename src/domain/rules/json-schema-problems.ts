import type { Problem } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { compileSchema } from './json-schema.ts';

/** What is wrong with `value` by `schema`, with pointers below `at`; nothing without a schema. */
export function schemaProblemsAt(
  schema: JsonObject | boolean | undefined,
  value: Json,
  at: string,
): Problem[] {
  if (schema === undefined) return [];
  return compileSchema(schema)(value).map(({ path, message }) => ({ path: at + path, message }));
}
