import type { Json } from '../contract/json.ts';
import type { Roots, Template } from '../contract/plan.ts';
import { splitText } from './placeholders.ts';
import { programOf } from './program.ts';
import { mergeRoots } from './roots.ts';

/**
 * JSON with `${{ … }}` in its strings, compiled. Keys of objects are taken literally. Expressions are found, not
 * parsed: `templateRoots` or `evaluateTemplate` do that. Throws `ExpressionError` for a `${{` that is not closed.
 */
export function compileTemplate(value: Json): Template {
  if (typeof value === 'string') return compileText(value);
  if (typeof value !== 'object' || value === null) return { kind: 'literal', value };
  if (Array.isArray(value)) {
    const items = value.map(compileTemplate);
    if (items.every(isLiteral)) return { kind: 'literal', value: items.map((item) => item.value) };
    return { kind: 'array', items };
  }
  const entries = Object.entries(value).map(([key, item]): [string, Template] => [
    key,
    compileTemplate(item),
  ]);
  if (!entries.every(([, item]) => isLiteral(item))) return { kind: 'object', entries };
  return {
    kind: 'literal',
    value: Object.fromEntries(entries.map(([key, item]) => [key, (item as Literal).value])),
  };
}

/** The CEL sources in a template, in document order. */
export function sourcesOf(template: Template): string[] {
  switch (template.kind) {
    case 'literal':
      return [];
    case 'expression':
      return [template.source];
    case 'text':
      return template.parts.flatMap((part) => (typeof part === 'string' ? [] : [part.source]));
    case 'array':
      return template.items.flatMap(sourcesOf);
    case 'object':
      return template.entries.flatMap(([, item]) => sourcesOf(item));
  }
}

/** What a source reads. Throws `ExpressionError` when it does not parse or type-check. */
export function rootsOf(source: string): Roots {
  return programOf(source).reads.roots;
}

/** Whether a source calls `always()`. Throws `ExpressionError` when it does not parse or type-check. */
export function callsAlways(source: string): boolean {
  return programOf(source).reads.always;
}

/** What a template reads. Throws `ExpressionError` for a source that does not parse or type-check. */
export function templateRoots(template: Template): Roots {
  return mergeRoots(sourcesOf(template).map(rootsOf));
}

type Literal = Extract<Template, { kind: 'literal' }>;

function isLiteral(template: Template): template is Literal {
  return template.kind === 'literal';
}

function compileText(text: string): Template {
  const parts = splitText(text);
  const [first] = parts;
  if (parts.length === 0) return { kind: 'literal', value: '' };
  if (parts.length > 1) return { kind: 'text', parts };
  return typeof first === 'object'
    ? { kind: 'expression', ...first }
    : { kind: 'literal', value: first ?? '' };
}
