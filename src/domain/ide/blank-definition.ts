import type { JsonObject } from '../../contract/json.ts';

/** What the first change of a workflow without a version is made to. It has no step yet, so it is no definition. */
export const blankDefinition = (name: string): JsonObject => ({ schema_version: 1, name, nodes: {} });
