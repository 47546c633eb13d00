import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { definition, transform, wait } from './definitions.ts';

/** Definitions as people write them, and edits as people make them: for properties of diff and merge. */

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];

const value = fc.oneof(
  fc.constantFrom<Json>(null, 0, 1, -1.5, '', 'x', 'é/~', true),
  fc.array(fc.nat(3), { maxLength: 4 }),
  fc.constantFrom<Json>({ k: 1 }, { k: 2, l: [1] }, { 'a/b': { '~': null }, '': 0 }),
);

const node = fc.record({
  wait: fc.boolean(),
  value,
  timeout_seconds: fc.option(fc.integer({ min: 1, max: 3 })),
});

function nodeOf({
  wait: waits,
  value: json,
  timeout_seconds,
}: typeof node extends fc.Arbitrary<infer T> ? T : never) {
  const more: JsonObject = timeout_seconds === null ? {} : { timeout_seconds };
  return waits ? wait(5, more) : transform(json, more);
}

/** An edit leaves a valid definition valid, whatever it was. */
export type Edit = (document: JsonObject) => void;

type Nodes = Record<string, JsonObject>;
const nodesOf = (document: JsonObject) => document.nodes as Nodes;

const id = fc.constantFrom(...IDS);
const name = fc.constantFrom('p', 'q', 'x/y', '~');

/** A need may only name a node that stands before in the alphabet: so no edit, and no merge of two, makes a cycle. */
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(id, node).map(([at, made]): Edit => (d) => {
    const needs = nodesOf(d)[at]?.needs;
    nodesOf(d)[at] = { ...nodeOf(made), ...(needs === undefined ? {} : { needs }) };
  }),
  fc.tuple(id, id, fc.boolean()).map(([at, need, wanted]): Edit => (d) => {
    const found = nodesOf(d)[at];
    if (!found || need >= at || !nodesOf(d)[need]) return;
    const others = ((found.needs ?? []) as string[]).filter((other) => other !== need);
    found.needs = wanted ? [...others, need] : others;
  }),
  id.map((at): Edit => (d) => {
    if (Object.keys(nodesOf(d)).length === 1) return;
    delete nodesOf(d)[at];
    for (const other of Object.values(nodesOf(d)))
      if (Array.isArray(other.needs)) other.needs = other.needs.filter((need) => need !== at);
  }),
  fc.tuple(name, fc.option(value, { nil: undefined })).map(([key, json]): Edit => (d) => {
    const params = { ...(d.params as JsonObject | undefined) };
    if (json === undefined) delete params[key];
    else params[key] = json;
    d.params = params;
  }),
  fc.option(value, { nil: undefined }).map((json): Edit => (d) => {
    if (json === undefined) delete d.output;
    else d.output = json;
  }),
  fc.constantFrom('one', 'two').map(
    (text): Edit =>
      (d) =>
        void (d.description = text),
  ),
  fc.constant<Edit>((d) => void delete d.params),
);

export const edits = fc.array(edit, { maxLength: 6 });

export function edited(document: JsonObject, all: readonly Edit[]): JsonObject {
  const copy = structuredClone(document);
  for (const one of all) one(copy);
  return copy;
}

/** Any valid definition of up to six nodes. */
export const definitions = fc
  .array(edit, { minLength: 3, maxLength: 14 })
  .map((all) => edited(definition('x', { a: transform(1) }), all));
