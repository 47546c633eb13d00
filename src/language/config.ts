import type { AnyNodeType } from '../contract/definition.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Template } from '../contract/plan.ts';
import { compileTemplate } from './template.ts';

/**
 * Config members that are taken as they stand. A program text is never a template: it may hold `${{` of its own, and
 * pasting values into it would let data become code. Values reach a program by `args`, `env` and `stdin`.
 */
const LITERAL: Partial<Record<AnyNodeType, ReadonlySet<string>>> = {
  code: new Set(['language', 'source', 'file', 'module']),
  // A JSON Schema may hold any text.
  approval: new Set(['form']),
  // The body's own expressions see `item`; they are compiled when the body runs.
  map: new Set(['node']),
};

/** Whether expressions in a config's member are evaluated. */
export function isTemplated(type: AnyNodeType, member: string): boolean {
  return LITERAL[type]?.has(member) !== true;
}

/** A node's config as a template, always of kind `object` or `literal`. Throws `ExpressionError`. */
export function compileConfig(type: AnyNodeType, config: JsonObject): Template {
  const entries = Object.entries(config).map(([key, value]): [string, Template] => [
    key,
    isTemplated(type, key) ? compileTemplate(value) : { kind: 'literal', value },
  ]);
  const literals = entries.flatMap(([key, item]) =>
    item.kind === 'literal' ? [[key, item.value] as const] : [],
  );
  if (literals.length < entries.length) return { kind: 'object', entries };
  return { kind: 'literal', value: Object.fromEntries(literals) };
}
