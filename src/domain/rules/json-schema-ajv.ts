import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Format } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import type { Json } from '../../contract/json.ts';
import { canonicalJson } from '../../language/canonical-json.ts';
import { compilePattern } from '../../language/pattern.ts';

/** Put into every subschema; each evaluation of one costs one unit. */
export const FUEL_KEYWORD = 'x-orchestrator-fuel';

/** Evaluations of subschemas and steps of patterns one validation may take. */
const FUEL = 500_000;
const PATTERN_STEPS_PER_UNIT = 4;
/** No name, date or address is longer; the formats' own expressions are not meant for more. */
const MAX_FORMAT_CHARS = 4_096;

let fuel = 0;

/** Runs one validation with a full tank. Throws when it is empty: schemas can refer to themselves exponentially. */
export function withFuel<T>(work: () => T): T {
  fuel = FUEL;
  return work();
}

function burn(units: number): void {
  fuel -= units;
  if (fuel < 0) throw new Error('the schema is too expensive for this value');
}

let compiler: Ajv2020 | undefined;

/** The one compiler of JSON Schema 2020-12. Made at first use: that takes tens of milliseconds. */
export function schemaCompiler(): Ajv2020 {
  return (compiler ??= createCompiler());
}

function createCompiler(): Ajv2020 {
  const created = new Ajv2020({
    strict: false,
    allErrors: true,
    logger: false,
    // Inlining would unfold references to references exponentially.
    inlineRefs: false,
    code: { regExp: Object.assign(safeRegExp, { code: '' }) },
  });
  addFormats.default(created);
  for (const [name, format] of Object.entries(created.formats)) created.addFormat(name, shortOnly(format));
  created.addKeyword({
    keyword: FUEL_KEYWORD,
    validate: () => {
      burn(1);
      return true;
    },
    errors: false,
  });
  // The standard one compares each pair of items.
  created.removeKeyword('uniqueItems');
  created.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    validate: hasUniqueItems,
    error: { message: 'must NOT have duplicate items' },
  });
  return created;
}

function safeRegExp(source: string): { test: (text: string) => boolean; toString: () => string } {
  const pattern = compilePattern(source);
  return {
    test: (text) => pattern.test(text, (steps) => burn(steps / PATTERN_STEPS_PER_UNIT)),
    // The compiler keeps expressions by this text: without it, all of them would be one.
    toString: () => `safe:${source}`,
  };
}

function hasUniqueItems(wanted: boolean, items: Json[]): boolean {
  return !wanted || new Set(items.map((item) => canonicalJson(item))).size === items.length;
}

function shortOnly(format: Format | undefined): Format {
  if (format instanceof RegExp) return (text: string) => text.length <= MAX_FORMAT_CHARS && format.test(text);
  if (typeof format === 'function') return (text: string) => text.length <= MAX_FORMAT_CHARS && format(text);
  return format ?? true;
}
