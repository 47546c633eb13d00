import { LineCounter, parseDocument, stringify, type Document } from 'yaml';
import type { Json, JsonObject } from '../contract/json.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { placeOf, type TextPlace } from './tree-problems.ts';

/** How a definition is written; both say the same. */
export type TreeFormat = 'yaml' | 'json';

export interface TreeText {
  value: Json;
  /** Where the value of a JSON Pointer stands in the text, or the nearest one around it. */
  locate: (pointer: string) => TextPlace;
}

/** A text that is no definition in its format. */
export class TreeTextError extends Error {
  readonly place: TextPlace;

  constructor(message: string, place: TextPlace) {
    super(message);
    this.place = place;
  }
}

const ROOT_ORDER = [
  'schema_version',
  'name',
  'description',
  'input_schema',
  'params',
  'params_schema',
  'nodes',
];
const NODE_ORDER = ['type', 'needs', 'if', 'config'];
// Keys are what they look like, never numbers or booleans; `stringKeys` also keeps `1e3:` from becoming `1000:`.
const READ = { version: '1.2', schema: 'core', stringKeys: true } as const;
// Readers of YAML 1.1 take `no` for false and `2026-01-01` for a date: what could be mistaken is quoted.
const WRITE = {
  lineWidth: 0,
  blockQuote: 'literal',
  aliasDuplicateObjects: false,
  compat: 'yaml-1.1',
} as const;

/** A definition as text: one text for each definition, sources as literal blocks, a line feed at the end. */
export function writeText(definition: JsonObject, format: TreeFormat): string {
  const ordered = inOrder(definition);
  const json = `${JSON.stringify(ordered, null, 2)}\n`;
  if (format === 'json') return json;
  const yaml = stringify(ordered, WRITE);
  // JSON is YAML too: what the writer should ever get wrong is still kept right.
  return isSame(yaml, definition) ? yaml : json;
}

/** Reads a definition, whatever it holds. Throws `TreeTextError` with the place of what is wrong. */
export function readText(text: string, format: TreeFormat): TreeText {
  const counter = new LineCounter();
  const document = parseDocument(text, { ...READ, lineCounter: counter });
  const locate = (pointer: string) => placeOf(document, counter, pointer);
  return {
    value: format === 'json' ? readJson(text, document, counter) : readYaml(document, counter),
    locate,
  };
}

function readYaml(document: Document.Parsed, counter: LineCounter): Json {
  // A tag nobody knows is only a warning to the parser, but its value would be a guess.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) throw new TreeTextError(firstLine(problem.message), linePlace(counter, problem.pos[0]));
  return document.toJS({ maxAliasCount: 100 }) as Json;
}

function readJson(text: string, document: Document.Parsed, counter: LineCounter): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const problem = document.errors[0];
    throw new TreeTextError((error as Error).message, problem ? linePlace(counter, problem.pos[0]) : START);
  }
}

const START: TextPlace = { line: 1, column: 1 };

function linePlace(counter: LineCounter, offset: number): TextPlace {
  const { line, col } = counter.linePos(offset);
  return { line, column: col };
}

const firstLine = (message: string): string => message.split(/ at line \d+|\n/)[0]!;

function isSame(yaml: string, definition: JsonObject): boolean {
  try {
    return canonicalJson(readText(yaml, 'yaml').value) === canonicalJson(definition);
  } catch {
    return false;
  }
}

/** What a reader looks for first comes first; everything else by name. */
function inOrder(definition: JsonObject): JsonObject {
  const nodes = definition['nodes'];
  const ordered = sortedMembers(definition, ROOT_ORDER);
  if (!isObject(nodes)) return Object.fromEntries(ordered);
  const each = sortedMembers(nodes, []).map(([id, node]) => [id, isObject(node) ? nodeInOrder(node) : node]);
  const nodes_in_order = Object.fromEntries(each) as JsonObject;
  return Object.fromEntries(ordered.map(([key, value]) => [key, key === 'nodes' ? nodes_in_order : value]));
}

const nodeInOrder = (node: JsonObject): JsonObject => Object.fromEntries(sortedMembers(node, NODE_ORDER));

function sortedMembers(object: JsonObject, first: readonly string[]): [string, Json][] {
  const rank = (key: string) => (first.includes(key) ? first.indexOf(key) : first.length);
  return Object.keys(object)
    .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
    .map((key) => [key, sortedDeep(object[key]!)]);
}

function sortedDeep(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortedDeep);
  return isObject(value) ? Object.fromEntries(sortedMembers(value, [])) : value;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
