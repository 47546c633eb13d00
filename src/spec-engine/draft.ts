import { AppError } from '../contract/errors.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { DefinitionTools, PatchOperation } from '../contract/spec-engine.ts';
import { foldInto } from './fold.ts';
import { Unclear } from './unclear.ts';

/** A definition while it is edited. Every change is an operation of the patch, and throws `Unclear` where it does not apply. */
export interface Draft {
  readonly document: JsonObject;
  readonly patch: readonly PatchOperation[];
  readonly files: Readonly<Record<string, string | null>>;
  /** What is at a place; undefined for nothing. */
  get(tokens: readonly string[]): Json | undefined;
  /** Puts a value at a place. Nothing changes when it is there already. */
  set(tokens: readonly string[], value: Json): void;
  /** Puts a value at the end of a list. */
  append(tokens: readonly string[], value: Json): void;
  drop(tokens: readonly string[]): void;
  move(from: readonly string[], to: readonly string[]): void;
  /** A file beside the definition; null takes it away. */
  write(path: string, text: string | null): void;
}

/** Up to this length what is replaced or removed is tested first, so that a patch on another document fails. */
const MAX_TESTED_CHARS = 1_024;

/** `known` are the paths of the files that are there. */
export function createDraft(
  definition: JsonObject,
  known: ReadonlySet<string>,
  { applyPatch }: Pick<DefinitionTools, 'applyPatch'>,
): Draft {
  let document = definition;
  const patch: PatchOperation[] = [];
  const files = new Map<string, string | null>();

  const get = (tokens: readonly string[]) => valueAt(document, tokens);
  const apply = (...operations: PatchOperation[]) => {
    document = applied(applyPatch, document, operations);
    for (const operation of operations) foldInto(patch, operation, applyPatch);
  };

  return {
    get document() {
      return document;
    },
    patch,
    get files() {
      return Object.fromEntries(files);
    },
    get,
    set(tokens, value) {
      const old = get(tokens);
      const path = pointerOf(tokens);
      if (old !== undefined && JSON.stringify(old) === JSON.stringify(value)) return;
      if (old !== undefined) return apply(...tested(path, old), { op: 'replace', path, value });
      apply(added(document, tokens, value));
    },
    append(tokens, value) {
      apply({ op: 'add', path: pointerOf([...tokens, '-']), value });
    },
    drop(tokens) {
      const old = get(tokens);
      const path = pointerOf(tokens);
      if (old === undefined) throw new Unclear(`There is nothing at “${path}”.`);
      apply(...tested(path, old), { op: 'remove', path });
    },
    move(from, to) {
      apply({ op: 'move', from: pointerOf(from), path: pointerOf(to) });
    },
    write(path, text) {
      if (text === null && !known.has(path)) throw new Unclear(`There is no file “${path}”.`);
      files.set(path, text);
    },
  };
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function pointerOf(tokens: readonly string[]): string {
  return tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The tokens of an RFC 6901 pointer. Throws `Unclear` for what is none, and for the whole document. */
export function tokensOf(pointer: string): string[] {
  if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(pointer) || pointer === '/')
    throw new Unclear(`“${pointer}” is no JSON Pointer to a part of the definition.`);
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(document: Json, tokens: readonly string[]): Json | undefined {
  let at: Json | undefined = document;
  for (const token of tokens) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return undefined;
    if (Array.isArray(at) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
    at = (at as JsonObject)[token];
  }
  return at;
}

/** Adds a value, and the objects on the way to it that are not there. */
function added(document: JsonObject, tokens: readonly string[], value: Json): PatchOperation {
  let there = tokens.length - 1;
  while (there > 0 && valueAt(document, tokens.slice(0, there)) === undefined) there--;
  const missing = tokens.slice(there + 1);
  const whole = missing.reduceRight<Json>((inner, token) => ({ [token]: inner }), value);
  return { op: 'add', path: pointerOf(tokens.slice(0, there + 1)), value: whole };
}

function tested(path: string, old: Json): PatchOperation[] {
  return JSON.stringify(old).length <= MAX_TESTED_CHARS ? [{ op: 'test', path, value: old }] : [];
}

function applied(
  applyPatch: DefinitionTools['applyPatch'],
  document: JsonObject,
  operations: readonly PatchOperation[],
): JsonObject {
  try {
    return applyPatch(document, operations) as JsonObject;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new Unclear(error.data.errors?.[0]?.message ?? error.message);
  }
}
