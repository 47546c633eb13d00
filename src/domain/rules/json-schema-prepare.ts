import type { Problem } from '../../contract/errors.ts';
import { LanguageFault } from '../../language/expression-error.ts';
import { compilePattern } from '../../language/pattern.ts';
import { createReport, isRecord } from './definition-shape.ts';
import type { Site } from './definition-shape.ts';
import { FUEL_KEYWORD } from './json-schema-ajv.ts';

const MAX_SUBSCHEMAS = 5_000;
const MAX_DEPTH = 64;
const DIALECT = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Where subschemas stand (JSON Schema 2020-12 core §10, §11; `definitions` is still widespread). */
const MAPS = new Set(['$defs', 'definitions', 'properties', 'patternProperties', 'dependentSchemas']);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const SINGLE = new Set([
  'items', 'contains', 'additionalProperties', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties',
  'not', 'if', 'then', 'else', 'contentSchema',
]); // prettier-ignore

interface Walk {
  subschemas: number;
  /** Pointers of all subschemas seen, and of those referred to. */
  locations: Set<string>;
  references: { pointer: string; site: Site }[];
}

/**
 * Checks what the compiler leaves open, and copies the schema with a fuel gauge in every subschema. `prepared` is
 * there exactly when there are no problems.
 */
export function prepareSchema(schema: unknown): { problems: Problem[]; prepared?: object | boolean } {
  const report = createReport();
  const walk: Walk = { subschemas: 0, locations: new Set(), references: [] };
  const prepared = prepare(schema, report.root, walk, 0);
  for (const { pointer, site } of walk.references) {
    if (!walk.locations.has(pointer)) site.report('refers to no subschema of this schema');
  }
  const problems = report.problems();
  return problems.length > 0 ? { problems } : { problems, prepared };
}

function prepare(schema: unknown, site: Site, walk: Walk, depth: number): object | boolean {
  if (typeof schema === 'boolean') return recorded(schema, site, walk);
  if (!isRecord(schema)) return refused(site, 'must be a JSON Schema: an object, true or false');
  if (depth > MAX_DEPTH) return refused(site, `is nested deeper than ${MAX_DEPTH}`);
  if (++walk.subschemas === MAX_SUBSCHEMAS)
    site.report(`the schema has more than ${MAX_SUBSCHEMAS} subschemas`);
  if (walk.subschemas >= MAX_SUBSCHEMAS) return true;
  const members = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    checkKeyword(key, value, site.at(key), { walk, isRoot: depth === 0 });
    // Kept, they would register the schema in the compiler under a name of the caller's choice.
    return key === '$id' || key === '$schema'
      ? []
      : [[key, prepareMember(key, value, site.at(key), { walk, depth })]];
  });
  return recorded({ ...Object.fromEntries(members), [FUEL_KEYWORD]: true }, site, walk);
}

function prepareMember(
  key: string,
  value: unknown,
  site: Site,
  { walk, depth }: { walk: Walk; depth: number },
): unknown {
  const inner = (item: unknown, at: Site): object | boolean => prepare(item, at, walk, depth + 1);
  if (SINGLE.has(key)) return inner(value, site);
  if (LISTS.has(key) && Array.isArray(value)) return value.map((item, i) => inner(item, site.at(i)));
  if (!MAPS.has(key) || !isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, inner(item, site.at(name))]));
}

function checkKeyword(
  key: string,
  value: unknown,
  site: Site,
  { walk, isRoot }: { walk: Walk; isRoot: boolean },
): void {
  if (key === '$ref') checkReference(value, site, walk);
  else if (key === 'pattern') checkPattern(value, site);
  else if (key === 'patternProperties' && isRecord(value)) {
    for (const pattern of Object.keys(value)) checkPattern(pattern, site.at(pattern));
  } else if (key === '$schema' && (typeof value !== 'string' || !DIALECT.test(value))) {
    site.report('must be JSON Schema 2020-12');
  } else if (key === '$dynamicRef' || key === '$recursiveRef') {
    site.report('is not supported: use $ref');
  } else if (key === '$id' && !isRoot) {
    site.report('is only supported at the root');
  }
}

function checkReference(value: unknown, site: Site, walk: Walk): void {
  if (typeof value !== 'string') return;
  if (value !== '#' && !value.startsWith('#/')) return site.report('must point into this schema: # or #/…');
  walk.references.push({ pointer: decoded(value.slice(1)), site });
}

function checkPattern(value: unknown, site: Site): void {
  try {
    if (typeof value === 'string') compilePattern(value);
  } catch (error) {
    if (!(error instanceof LanguageFault)) throw error;
    site.report(error.message);
  }
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

function recorded<T extends object | boolean>(schema: T, site: Site, walk: Walk): T {
  walk.locations.add(site.path);
  return schema;
}

function refused(site: Site, message: string): boolean {
  site.report(message);
  return true;
}
