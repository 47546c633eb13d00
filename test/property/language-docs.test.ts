/** Every example of docs/language.md is run. */
import { readFileSync } from 'node:fs';

import type { Json } from '../../src/contract/json.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { ExpressionError } from '../../src/language/expression-error.ts';
import { evaluateExpression, evaluateTemplate } from '../../src/language/expression.ts';
import { RETRY_DEFAULTS } from '../../src/language/plan.ts';
import { compileTemplate } from '../../src/language/template.ts';

const page = readFileSync(new URL('../../docs/language.md', import.meta.url), 'utf8');
const input = JSON.parse(/`input` = `(.+)`:/.exec(page)?.[1] ?? 'null') as Json;
const scope = { input, params: {}, steps: {}, run: {}, now_ms: 0 };

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(
    ([, block]) => block ?? '',
  );
}

function examples(language: string): [string, string][] {
  const lines = blocks(language).flatMap((block) => block.trim().split('\n'));
  return lines.map((line) => [
    line.slice(0, line.lastIndexOf('=>')).trim(),
    line.slice(line.lastIndexOf('=>') + 2).trim(),
  ]);
}

test.each(examples('cel'))('%s => %s', (source, result) => {
  if (result === 'error') expect(() => evaluateExpression(source, scope)).toThrow(ExpressionError);
  else expect(evaluateExpression(source, scope)).toEqual(JSON.parse(result));
});

test.each(examples('template'))('%s => %s', (template, result) => {
  expect(evaluateTemplate(compileTemplate(JSON.parse(template) as Json), scope)).toEqual(JSON.parse(result));
});

test.each(blocks('json'))('the definition is valid', (block) => {
  expect(validateDefinition(JSON.parse(block))).toEqual([]);
});

test('the retry table holds the defaults', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| `?([^|`]+)`? \|/gm)].filter(
    ([, field]) => field !== undefined && field in RETRY_DEFAULTS,
  );
  expect(Object.fromEntries(rows.map(([, field = '', value = '']) => [field, JSON.parse(value)]))).toEqual(
    RETRY_DEFAULTS,
  );
});
