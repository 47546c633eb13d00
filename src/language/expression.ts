import type { Context } from '@marcbachmann/cel-js';

import type { Json, JsonObject } from '../contract/json.ts';
import type { Roots, Template } from '../contract/plan.ts';
import { toCel } from './cel-value.ts';
import { metered } from './cost.ts';
import { LanguageFault } from './expression-error.ts';
import { asExpressionError } from './faults.ts';
import { toJson } from './json-value.ts';
import { EXPRESSION_LIMITS } from './limits.ts';
import { programOf } from './program.ts';
import { renderText } from './render-text.ts';

/** What an expression sees. None of it may be changed while its result is in use: results share its parts. */
export interface Scope {
  input: Json;
  params: JsonObject;
  /** `{ <id>: { state, output, error } }`. */
  steps: JsonObject;
  run: JsonObject;
  /** The element, inside a `map`. */
  item?: Json;
  /** Only where the consumer of the value resolves secrets. */
  secrets?: JsonObject;
  /** What `now()` answers: workflow time, in ms since 1970. */
  now_ms: number;
}

/**
 * The value of a CEL source (without `${{ }}`) as JSON. Throws `ExpressionError`: the source is wrong, a value is
 * missing or of another type, the cost or size is above the limit.
 */
export function evaluateExpression(source: string, scope: Scope): Json {
  const program = programOf(source);
  try {
    return metered(scope.now_ms, () => toJson(program.evaluate(contextOf(program.reads.roots, scope))));
  } catch (error) {
    throw asExpressionError(source, error);
  }
}

/** The JSON a template stands for in a scope. Throws `ExpressionError`; see `evaluateExpression`. */
export function evaluateTemplate(template: Template, scope: Scope): Json {
  switch (template.kind) {
    case 'literal':
      return template.value;
    case 'expression':
      return evaluateExpression(template.source, scope);
    case 'text':
      return renderParts(template.parts, scope);
    case 'array':
      return template.items.map((item) => evaluateTemplate(item, scope));
    case 'object':
      return Object.fromEntries(template.entries.map(([key, item]) => [key, evaluateTemplate(item, scope)]));
  }
}

/** A guard's answer. Throws `ExpressionError` as `evaluateExpression` does, and for anything but true or false. */
export function evaluateGuard(source: string, scope: Scope): boolean {
  const value = evaluateExpression(source, scope);
  if (typeof value === 'boolean') return value;
  throw asExpressionError(source, new LanguageFault('a guard must be true or false'));
}

function renderParts(parts: readonly (string | { source: string })[], scope: Scope): string {
  let text = '';
  for (const part of parts) {
    text += typeof part === 'string' ? part : renderText(evaluateExpression(part.source, scope));
    if (text.length > EXPRESSION_LIMITS.result_chars) {
      const source = typeof part === 'string' ? '' : part.source;
      throw asExpressionError(source, new LanguageFault('the text is longer than 1 MiB'));
    }
  }
  return text;
}

/** Only what the program reads; objects in it are converted as they are read. */
function contextOf(roots: Roots, scope: Scope): Context {
  const context: Context = {};
  if (roots.input) context['input'] = toCel(scope.input);
  if (roots.params) context['params'] = toCel(scope.params);
  if (roots.run) context['run'] = toCel(scope.run);
  if (roots.item && scope.item !== undefined) context['item'] = toCel(scope.item);
  if (roots.steps.length > 0) context['steps'] = toCel(scope.steps);
  if (roots.secrets.length > 0 && scope.secrets !== undefined) context['secrets'] = toCel(scope.secrets);
  return context;
}
