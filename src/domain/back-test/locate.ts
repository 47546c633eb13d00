import type { Json } from '../../contract/json.ts';
import type { Template } from '../../contract/plan.ts';
import { compileTemplate } from '../../language/template.ts';
import { escapeToken } from '../rules/definition-shape.ts';

/** JSON Pointer to the first string of `value` whose expressions fail; `at` where none does by itself. */
export function locateFailure(value: Json, at: string, fails: (template: Template) => boolean): string {
  return search(value, at, fails) ?? at;
}

function search(value: Json, at: string, fails: (template: Template) => boolean): string | undefined {
  if (typeof value === 'string')
    return value.includes('${{') && fails(compileTemplate(value)) ? at : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = search(item, `${at}/${escapeToken(key)}`, fails);
    if (found !== undefined) return found;
  }
  return undefined;
}
