import type { Environment } from '@marcbachmann/cel-js';

import type { Json } from '../contract/json.ts';
import { base64, bytesOf, hex, textOf } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import { toCel } from './cel-value.ts';
import { sha256Hex } from './content-hash.ts';
import { charge, workflowTime } from './cost.ts';
import { LanguageFault } from './expression-error.ts';
import { toJson } from './json-value.ts';
import { avg, distinct, join, max, min, sort, sum } from './list-functions.ts';
import { parseDuration, parseTimestamp, timestampAt } from './time.ts';

type Handler = (...args: never[]) => unknown;

/** Our functions, by CEL signature. Their arguments were charged for by the instrumented call. */
const functions: Record<string, Handler> = {
  'sum(list): dyn': sum,
  'avg(list): dyn': avg,
  'min(list): dyn': min,
  'max(list): dyn': max,
  'min(dyn, dyn): dyn': (a: unknown, b: unknown) => min([a, b]),
  'max(dyn, dyn): dyn': (a: unknown, b: unknown) => max([a, b]),
  'sort(list): list': (list: unknown) => sort(list),
  'distinct(list): list': distinct,
  'join(list): string': (list: unknown) => join(list),
  'join(list, string): string': join,
  'split(string, string): list<string>': (text: string, separator: string) => text.split(separator),
  'keys(map): list': (map: Map<unknown, unknown>) => [...map.keys()],
  'values(map): list': (map: Map<unknown, unknown>) => [...map.values()],
  'json(dyn): string': (value: unknown) => canonicalJson(toJson(value)),
  'parse_json(string): dyn': parseJson,
  'base64(string): string': base64Of,
  'base64(bytes): string': base64Of,
  'sha256(string): string': sha256Of,
  'sha256(bytes): string': sha256Of,
  'string(google.protobuf.Timestamp): string': toJson,
  'string(google.protobuf.Duration): string': toJson,
  'now(): google.protobuf.Timestamp': () => timestampAt(workflowTime()),
  'always(): bool': () => true,
};

/**
 * Replacements of the engine's own functions, by name: theirs need globals the workflow sandbox lacks (`Buffer`,
 * `btoa`), read the host's time zone, or take time out of proportion. Undefined = this is not our case.
 */
export const replacedFunctions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  bytes: (value) => (typeof value === 'string' ? new Uint8Array(bytesOf(value)) : undefined),
  duration: (value) => (typeof value === 'string' ? parseDuration(value) : undefined),
  string: (value) => (ArrayBuffer.isView(value) ? textOf(value as Uint8Array) : undefined),
  timestamp: (value) => (typeof value === 'string' ? parseTimestamp(value) : undefined),
};

export const replacedBytesMethods: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  base64: base64Of,
  hex,
  json: (bytes) => parseJson(textOf(bytes)),
  string: textOf,
};

export function registerFunctions(environment: Environment): void {
  for (const [signature, handler] of Object.entries(functions)) {
    environment.registerFunction(
      signature,
      handler as (...args: unknown[]) => unknown,
      { async: false } as never,
    );
  }
}

function base64Of(value: string | Uint8Array): string {
  charge(value.length >> 2);
  return base64(bytesOf(value));
}

function sha256Of(value: string | Uint8Array): string {
  charge(value.length >> 1);
  return sha256Hex(bytesOf(value));
}

function parseJson(text: string): unknown {
  charge(text.length >> 2);
  try {
    return toCel(JSON.parse(text) as Json);
  } catch (error) {
    if (error instanceof LanguageFault) throw error;
    throw new LanguageFault('parse_json() takes a JSON text');
  }
}
